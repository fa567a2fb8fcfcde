/** One message of an event stream (HTML Standard, "Server-sent events"). */
interface StreamedEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads the messages of an event stream from its text, as it comes in parts. */
export async function* readEvents(parts: AsyncIterable<string>): AsyncGenerator<StreamedEvent> {
  let rest = "";
  let id = "";
  for await (const part of parts) {
    const blocks = (rest + part).split(/\r?\n\r?\n/);
    rest = blocks.pop()!;
    for (const block of blocks) {
      let event = "message";
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        const [, field, value] = /^(\w+):? ?(.*)$/s.exec(line) ?? [];
        if (field === "id") id = value;
        else if (field === "event") event = value;
        else if (field === "data") data.push(value);
      }
      if (data.length > 0) yield { id, event, data: data.join("\n") };
    }
  }
}
