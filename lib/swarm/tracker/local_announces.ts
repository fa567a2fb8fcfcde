import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { LOCAL_DISCOVERY } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";

const { burst, refillMs } = LOCAL_DISCOVERY;

/** One torrent that is announced on the local network. */
interface Announced {
  /** When the torrent is to be announced next, in ms. */
  due: number;
  readonly allowance: Allowance;
  /** When each peer was heard last, by endpoint; least recently heard first. */
  readonly heard: Map<string, number>;
}

/**
 * Decides when to announce which torrent on the local network (BEP 14).
 *
 * A torrent is announced at once, then every five minutes, and again soon after a newcomer was heard, so that both
 * sides know each other at once. In the long run no torrent is announced more often than once a minute. `now` in ms.
 */
export class LocalAnnounces {
  readonly #torrents = new Map<InfoHash, Announced>();
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Announces these torrents from now on, and no others. */
  share(infoHashes: readonly InfoHash[], now: number): void {
    const shared = new Set(infoHashes);
    for (const infoHash of this.#torrents.keys()) if (!shared.has(infoHash)) this.#torrents.delete(infoHash);
    for (const infoHash of shared) {
      if (this.#torrents.has(infoHash)) continue;
      const allowance = new Allowance({ burst, perSecond: 1_000 / refillMs });
      this.#torrents.set(infoHash, { due: now, allowance, heard: new Map() });
    }
  }

  /** Makes all torrents due, as on a new interface nobody has heard of them. */
  announceAll(now: number): void {
    for (const torrent of this.#torrents.values()) torrent.due = Math.min(torrent.due, now);
  }

  /** Makes a torrent due, as an announce may have been lost. */
  again(infoHash: InfoHash, now: number): void {
    const torrent = this.#torrents.get(infoHash);
    if (torrent !== undefined) torrent.due = Math.min(torrent.due, now);
  }

  /** A peer announced a torrent; false when the torrent is not ours. A newcomer brings our next announce forward. */
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

  /** Returns the torrents to announce now, and counts them as announced. */
  take(now: number): InfoHash[] {
    const taken: InfoHash[] = [];
    for (const [infoHash, torrent] of this.#torrents) {
      if (torrent.due > now) continue;
      const mayAnnounce = torrent.allowance.take(now);
      torrent.due = now + (mayAnnounce ? LOCAL_DISCOVERY.intervalMs : torrent.allowance.waitMs);
      if (mayAnnounce) taken.push(infoHash);
    }
    return taken;
  }

  /** When `take` will next return a torrent, in ms; infinite without torrents. */
  get nextDue(): number {
    let next = Infinity;
    for (const torrent of this.#torrents.values()) next = Math.min(next, torrent.due);
    return next;
  }
}
