import type { SessionEvent } from "../../session/session.ts";
import { EventTexts } from "../../ui/progress/event_texts.ts";
import { clock } from "../numbers.ts";
import type { LogEntry } from "../store.ts";
import { log, torrents } from "../store.ts";
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
  const { event, time } = entry;
  const text = sentencesOf(entry).join("; ");
  return (
    <span class={`entry ${event}`}>
      <time>{time !== undefined && clock(time)}</time>
      <b>{event}</b>
      <bdi class="name" title={text}>{text}</bdi>
    </span>
  );
}

const texts = new EventTexts();

/** The sentences that the terminal shows for the same event, or its members where it has none. */
function sentencesOf(entry: LogEntry): string[] {
  for (const { infoHash, name } of torrents.value) texts.name(infoHash, name);
  const lines = texts.linesOf(entry as unknown as SessionEvent);
  if (lines.length > 0) return lines;
  const { event: _event, time: _time, ...members } = entry;
  return [Object.entries(members).map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(", ")];
}
