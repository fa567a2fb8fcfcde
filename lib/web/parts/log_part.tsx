import { clock } from "../numbers.ts";
import type { LogEntry } from "../model.ts";
import { log, state } from "../store.ts";
import { VirtualRows } from "./virtual_rows.tsx";

const ROW_HEIGHT = 24;

/** What happened, the newest first. */
export function LogPart() {
  const entries = [...log.value].reverse();
  if (entries.length === 0) return <p class="empty">Nothing has happened since this page was opened.</p>;
  return (
    <VirtualRows
      rows={entries}
      rowHeight={ROW_HEIGHT}
      label="Log"
      keyOf={(entry) => String(log.value.indexOf(entry))}
      draw={(entry) => <Row entry={entry} />}
      class="log"
    />
  );
}

function Row({ entry }: { entry: LogEntry }) {
  const { event, time, infoHash = "" } = entry;
  const name = state.value?.torrents[infoHash]?.name;
  const text = textOf(entry);
  return (
    <span class={`entry ${event}`}>
      <time>{time !== undefined && clock(time)}</time>
      <b>{event}</b>
      <bdi class="name" title={text}>{name !== undefined && `${name}: `}{text}</bdi>
    </span>
  );
}

/** The sentence that the program wrote for people, else the members of the event. */
function textOf(
  { event: _event, time: _time, infoHash: _infoHash, text, message, ...members }: LogEntry,
): string {
  if (typeof text === "string") return text;
  if (message !== undefined) return message;
  return Object.entries(members).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ");
}
