import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { PexMessage, PexPeer } from "../../protocol/pex_messages.ts";
import { PEX } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";

/**
 * Peer exchange with one remote: what it was told of our connections, and what it must hear next (BEP 11).
 *
 * Only endpoints we are connected to are told, never what we merely heard; in private torrents there is no such
 * object (BEP 27). `now` in ms.
 */
export class PeerExchange {
  /** Endpoints the remote was told of, by their text. */
  readonly #told = new Map<string, Endpoint>();
  #lastSent = -Infinity;
  /** Messages that may be read. */
  readonly #reading = new Allowance({ burst: PEX.receiveBurst, perSecond: 1_000 / PEX.receiveRefillMs });

  /**
   * The message to send now; undefined while a minute has not passed, or when nothing changed.
   *
   * `connected` are the endpoints where those we are connected to listen; `remote` is left out of it. What finds
   * no room in this message comes with the next one.
   */
  next(connected: readonly PexPeer[], remote: Endpoint, now: number): PexMessage | undefined {
    if (now - this.#lastSent < PEX.intervalMs) return undefined;
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

  /** A message arrived; false when too many came lately and this one must not be read. */
  received(now: number): boolean {
    return this.#reading.take(now);
  }
}
