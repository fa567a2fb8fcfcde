import { printable } from "../../log.ts";
import { decisionTexts } from "./decision_texts.ts";
import type { ShownEvent } from "./progress_view.ts";
import { offeredText, takenText } from "./offer_text.ts";
import { formatBytes, formatDuration } from "../number_format.ts";

/** Turns events into lines for people. It remembers the names of torrents, because later events do not carry them. */
export class EventTexts {
  readonly #names = new Map<string, string>();

  /** Names a torrent whose event `torrent` came before. */
  name(infoHash: string, name: string): void {
    this.#names.set(infoHash, name);
  }

  /** The line of an event, without control characters; undefined for an event that is of use to programs only. */
  textOf(event: ShownEvent): string | undefined {
    if (event.event === "torrent") this.#names.set(event.infoHash, event.name);
    const text = this.#describe(event);
    return text === undefined ? undefined : printable(text);
  }

  /** All lines about an event, those for people who follow every decision among them, without control characters. */
  linesOf(event: ShownEvent): string[] {
    const text = this.textOf(event);
    const decisions = decisionTexts(event);
    if (decisions.length === 0) return text === undefined ? [] : [text];
    const name = "infoHash" in event ? this.#nameOf(event.infoHash) : "";
    return decisions.map((sentence) => printable(`${name}: ${sentence}`));
  }

  #describe(event: ShownEvent): string | undefined {
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
      case "reused":
        return `${event.name}: ${Math.floor(100 * event.bytes / event.length)}% was here already`;
      case "corrupt":
        return `${this.#nameOf(event.infoHash)}: piece ${event.piece} from ${
          event.peers.join(", ")
        } was corrupt`;
      case "warning":
      case "error": {
        const about = "infoHash" in event ? `${this.#nameOf(event.infoHash)}: ` : "";
        return `${about}${event.event}: ${event.message}`;
      }
      case "offer": {
        const { name, lead, state = "", hosts } = event;
        if (hosts !== undefined) return `${name}: ${offeredText(hosts)}`;
        return `${name}: offered by ${lead}: ${takenText({ name, state })}`;
      }
      case "page":
        return `page: ${event.address} (peer web prints it with the secret that it needs)`;
      case "hand-out":
        return `program: ${event.address} (for machines that have none; open it in a browser there)`;
      case "handed-over": {
        const { name, isNew, pid, home } = event;
        const what = isNew ? "handed over to" : "is already with";
        return `${name}: ${what} the peer that runs in ${home} (process ${pid}); Ctrl-C leaves it running`;
      }
      case "left-running":
        return `${event.name}: goes on in process ${event.pid}; peer status shows it, peer stop ends it`;
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
