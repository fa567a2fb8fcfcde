import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { LOCAL_DISCOVERY } from "../../settings.ts";

/** One torrent that is announced on the local network. */
interface Announced {
  /** When it is due next, in ms. */
  due: number;
  /** Announces saved up, at most `LOCAL_DISCOVERY.burst`, as of `creditedAt`. */
  credit: number;
  creditedAt: number;
  /** When each peer was heard last, by endpoint. */
  readonly heard: Map<string, number>;
}

/**
 * When to announce which torrent on the local network (BEP 14).
 *
 * A torrent is announced at once, then every five minutes, and again soon after a newcomer was heard, so that
 * both sides know each other at once. Over time no torrent is announced more than once a minute: announces are
 * paid from a credit that refills at that rate, and only a few can be saved up. `now` in ms.
 */
export class LocalAnnounces {
  readonly #torrents = new Map<InfoHash, Announced>();
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The torrents shared from now on, in place of those before. */
  share(infoHashes: readonly InfoHash[], now: number): void {
    const shared = new Set(infoHashes);
    for (const infoHash of this.#torrents.keys()) if (!shared.has(infoHash)) this.#torrents.delete(infoHash);
    for (const infoHash of shared) {
      if (this.#torrents.has(infoHash)) continue;
      this.#torrents.set(infoHash, {
        due: now,
        credit: LOCAL_DISCOVERY.burst,
        creditedAt: now,
        heard: new Map(),
      });
    }
  }

  /** Everything is due, for there is a new interface on which nobody has heard of it. */
  announceAll(now: number): void {
    for (const torrent of this.#torrents.values()) torrent.due = Math.min(torrent.due, now);
  }

  /** A peer announced a torrent; false when it is none of ours. A newcomer brings our next announce forward. */
  heard(infoHash: InfoHash, endpoint: Endpoint, now: number): boolean {
    const torrent = this.#torrents.get(infoHash);
    if (torrent === undefined) return false;
    const key = formatEndpoint(endpoint);
    const isNewcomer = now - (torrent.heard.get(key) ?? -Infinity) > LOCAL_DISCOVERY.forgetMs;
    torrent.heard.delete(key);
    if (isNewcomer && torrent.heard.size < LOCAL_DISCOVERY.maxRemembered) {
      torrent.due = Math.min(torrent.due, now + this.#random() * LOCAL_DISCOVERY.answerDelayMs);
    }
    torrent.heard.set(key, now);
    for (const oldest of torrent.heard.keys()) {
      if (torrent.heard.size <= LOCAL_DISCOVERY.maxRemembered) break;
      torrent.heard.delete(oldest);
    }
    return true;
  }

  /** The torrents to announce now; they count as announced. */
  take(now: number): InfoHash[] {
    const taken: InfoHash[] = [];
    for (const [infoHash, torrent] of this.#torrents) {
      if (torrent.due > now) continue;
      const refilled = torrent.credit + (now - torrent.creditedAt) / LOCAL_DISCOVERY.refillMs;
      torrent.credit = Math.min(refilled, LOCAL_DISCOVERY.burst);
      torrent.creditedAt = now;
      if (torrent.credit < 1) {
        torrent.due = now + (1 - torrent.credit) * LOCAL_DISCOVERY.refillMs;
        continue;
      }
      torrent.credit--;
      torrent.due = now + LOCAL_DISCOVERY.intervalMs;
      taken.push(infoHash);
    }
    return taken;
  }

  /** When `take` will next have something, in ms; infinite without torrents. */
  get nextDue(): number {
    let next = Infinity;
    for (const torrent of this.#torrents.values()) next = Math.min(next, torrent.due);
    return next;
  }
}
