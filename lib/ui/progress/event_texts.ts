import { printable } from "../../log.ts";
import type { SessionEvent } from "../../session/session.ts";
import { decisionTexts } from "./decision_texts.ts";
import { formatBytes, formatDuration } from "../number_format.ts";

/** Turns events into lines for people. It remembers the names of torrents, because later events do not carry them. */
export class EventTexts {
  readonly #names = new Map<string, string>();

  /** Names a torrent whose event `torrent` came before. */
  name(infoHash: string, name: string): void {
    this.#names.set(infoHash, name);
  }

  /** The line of an event, without control characters; undefined for an event that is of use to programs only. */
  textOf(event: SessionEvent): string | undefined {
    if (event.event === "torrent") this.#names.set(event.infoHash, event.name);
    const text = this.#describe(event);
    return text === undefined ? undefined : printable(text);
  }

  /** All lines about an event, those for people who follow every decision among them, without control characters. */
  linesOf(event: SessionEvent): string[] {
    const text = this.textOf(event);
    const decisions = decisionTexts(event);
    if (decisions.length === 0) return text === undefined ? [] : [text];
    const name = "infoHash" in event ? this.#nameOf(event.infoHash) : "";
    return decisions.map((sentence) => printable(`${name}: ${sentence}`));
  }

  #describe(event: SessionEvent): string | undefined {
    switch (event.event) {
      case "ready": {
        const tracker = event.trackerPort === null ? "no tracker" : `tracker on port ${event.trackerPort}`;
        return `peer ${event.version}: listening on port ${event.port}, ${tracker}`;
      }
      case "torrent": {
        const { name, length, have, pieces } = event;
        return `${name}: ${roleText(event)}, ${formatBytes(length)}, ${have} of ${pieces} pieces`;
      }
      case "status":
        return `${this.#nameOf(event.infoHash)}: now ${roleText(event)}`;
      case "complete":
        return `${event.name}: complete after ${formatDuration(event.seconds)}, in ${event.path}`;
      case "corrupt":
        return `${this.#nameOf(event.infoHash)}: piece ${event.piece} from ${
          event.peers.join(", ")
        } was corrupt`;
      case "warning":
      case "error": {
        const about = "infoHash" in event ? `${this.#nameOf(event.infoHash)}: ` : "";
        return `${about}${event.event}: ${event.message}`;
      }
      case "stopped":
        return "stopped";
      default:
        return undefined;
    }
  }

  #nameOf(infoHash: string): string {
    return this.#names.get(infoHash) ?? infoHash;
  }
}

function roleText({ role, seeding }: { role: string; seeding: boolean }): string {
  return seeding && role === "announcer" ? "announcer and seeder" : role;
}
