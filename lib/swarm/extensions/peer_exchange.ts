import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { PexMessage, PexPeer } from "../../protocol/pex_messages.ts";
import { PEX } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";

/**
 * Peer exchange with one remote peer: remembers which of our connections it was told of, and finds what it must hear
 * next (BEP 11).
 *
 * It tells only endpoints that we are connected to, never hearsay. Private torrents exchange no peers (BEP 27). `now`
 * in ms.
 */
export class PeerExchange {
  /** Endpoints that the peer was told of, by their text. */
  readonly #told = new Map<string, Endpoint>();
  #lastSent = -Infinity;
  /** Messages that may be read. */
  readonly #reading = new Allowance({ burst: PEX.receiveBurst, perSecond: 1_000 / PEX.receiveRefillMs });

  /** Whether the last message was sent long enough ago. */
  isDue(now: number): boolean {
    return now - this.#lastSent >= PEX.intervalMs;
  }

  /**
   * The message to send now; undefined until a minute has passed since the last one, or when nothing changed.
   *
   * `connected` are the endpoints at which our connected peers listen. The peer's own endpoint, `remote`, is left out.
   * Endpoints that find no room in this message come with the next one.
   */
  next(connected: readonly PexPeer[], remote: Endpoint, now: number): PexMessage | undefined {
    if (!this.isDue(now)) return undefined;
    const present = new Map(connected.map((peer) => [formatEndpoint(peer.endpoint), peer]));
    present.delete(formatEndpoint(remote));
    const added = [...present].filter(([key]) => !this.#told.has(key)).slice(0, PEX.maxEndpoints);
    const dropped = [...this.#told].filter(([key]) => !present.has(key)).slice(0, PEX.maxEndpoints);
    if (added.length === 0 && dropped.length === 0) return undefined;
    for (const [key, peer] of added) this.#told.set(key, peer.endpoint);
    for (const [key] of dropped) this.#told.delete(key);
    this.#lastSent = now;
    return { added: added.map(([, peer]) => peer), dropped: dropped.map(([, endpoint]) => endpoint) };
  }

  /** A message arrived; false when too many came lately, so that this one must not be read. */
  received(now: number): boolean {
    return this.#reading.take(now);
  }
}
