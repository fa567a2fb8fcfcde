/** `peer log`: what has happened in the running process lately, and with `--follow` what happens next. */
import type { SessionEvent } from "../../session/session.ts";
import { EXIT, type ExitCode } from "../failure.ts";
import { jsonText } from "../json_text.ts";
import { printLine } from "../output.ts";
import { EventTexts } from "../progress/event_texts.ts";
import { StopSignals } from "../stop_signals.ts";
import { clockText } from "./clock_text.ts";
import { type Page, pageHere, type Remote, type RemoteOptions, stateOf } from "./remote.ts";
import { EVENT_STYLES } from "./paint.ts";

/** Options of `log`. */
interface LogOptions extends RemoteOptions {
  /** Whether to go on telling until a signal comes or the process ends. */
  readonly follow?: boolean;
}

/** An event, and its time in milliseconds since 1970. */
export type LoggedEvent = SessionEvent & { readonly time: number };

/** The part of a message of events that is read here. */
interface Delta {
  readonly log?: readonly (LoggedEvent | { readonly dropped: number })[];
}

/** Tells events. */
export async function log(remote: Remote, { json, follow }: LogOptions): Promise<ExitCode> {
  const texts = new EventTexts();
  const { torrents } = await stateOf(remote);
  for (const { infoHash, name } of Object.values(torrents)) texts.name(infoHash, name);
  const tell = (event: NonNullable<Delta["log"]>[number]) => {
    if (json) printLine(jsonText(event));
    else for (const line of eventLines(event, texts, pageHere())) printLine(line);
  };
  const { sequence, log } = await remote.get("/log") as { readonly sequence: number } & Required<Delta>;
  log.forEach(tell);
  if (!follow) return EXIT.ok;
  const signals = new StopSignals();
  try {
    for await (const { data } of remote.events(sequence, signals.stop)) (data as Delta).log?.forEach(tell);
  } catch (error) {
    if (!signals.stop.aborted) throw error;
  } finally {
    signals.close();
  }
  return EXIT.ok;
}

/** The lines of an event. */
function eventLines(
  event: LoggedEvent | { readonly dropped: number },
  texts: EventTexts,
  { paint }: Page,
): string[] {
  if ("dropped" in event) {
    return [paint(`… ${event.dropped} more events, which came too fast to be kept`, "dim")];
  }
  const time = paint(clockText(event.time), "dim");
  return texts.linesOf(event).map((line) => `${time} ${paint(line, EVENT_STYLES[event.event])}`);
}
