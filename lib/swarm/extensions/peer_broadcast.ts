/**
 * Who must be told about which endpoints: the embedded tracker's list, pushed when it changes.
 *
 * The first change goes out at once, later ones are collected for `BROADCAST.batchMs`, so that a class room switched
 * on together causes a few rounds. A round compares the list with the one told before and sends the difference; peers
 * that see the same addresses share one encoded message. Only what announced to *this* process gets here; what others
 * broadcast does not, so lists cannot circle.
 */
import { type Endpoint, formatEndpoint, scopeOf } from "../../protocol/endpoint.ts";
import { encodePeerList, type ListedPeer } from "../../protocol/extension_messages.ts";
import { BROADCAST } from "../../settings.ts";

/** A connected remote peer that understands `lan_peers`. */
export interface Listener {
  /** The remote's address, to tell whether it shares our machine. */
  readonly address: string;
  /** Our own address as the remote sees it. */
  readonly localAddress: string;
  /** Sends the payload of one `lan_peers` message. */
  send(payload: Uint8Array): void;
}

/** The pushed list of one torrent. */
export class PeerBroadcast {
  /** What every listener has been told. */
  #list = new Map<string, ListedPeer>();
  readonly #listeners = new Set<Listener>();
  #lastRoundAt = -Infinity;

  /** Whether the last round is long enough ago for another one; `now` in ms. */
  isDue(now: number): boolean {
    return now - this.#lastRoundAt >= BROADCAST.batchMs;
  }

  /** Compares the tracker's list with what was told last and tells the difference: one round, at `now` (ms). */
  update(list: Iterable<ListedPeer>, now: number): void {
    this.#lastRoundAt = now;
    const next = new Map<string, ListedPeer>();
    for (const peer of list) next.set(formatEndpoint(peer.endpoint), peer);
    const added = [...next].filter(([name, { isSeed }]) => this.#list.get(name)?.isSeed !== isSeed);
    const dropped = [...this.#list].filter(([name]) => !next.has(name));
    this.#list = next;
    for (const listeners of Map.groupBy(this.#listeners, viewOf).values()) {
      tell(listeners, added.map(([, peer]) => peer), dropped.map(([, { endpoint }]) => endpoint));
    }
  }

  /** A remote peer of our kind is connected; it is told of the whole list, then of every change. */
  join(listener: Listener): void {
    this.#listeners.add(listener);
    tell([listener], [...this.#list.values()], []);
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
  }
}

/** Listeners with the same view get the same bytes: those on our machine, and those that reach us by one address. */
function viewOf({ address, localAddress }: Listener): string {
  return scopeOf(address) === "loopback" ? "" : localAddress;
}

/** Tells listeners of one view, in messages that they accept. */
function tell(
  listeners: readonly Listener[],
  added: readonly ListedPeer[],
  dropped: readonly Endpoint[],
): void {
  const view = viewOf(listeners[0]);
  // Who announced over loopback is on our machine: elsewhere, that is our address.
  const seen = (endpoint: Endpoint) =>
    view !== "" && scopeOf(endpoint.address) === "loopback"
      ? { address: view, port: endpoint.port }
      : endpoint;
  const { maxEndpoints } = BROADCAST;
  for (let from = 0; from < Math.max(added.length, dropped.length); from += maxEndpoints) {
    const payload = encodePeerList({
      added: added.slice(from, from + maxEndpoints).map(({ endpoint, isSeed }) => ({
        endpoint: seen(endpoint),
        isSeed,
      })),
      dropped: dropped.slice(from, from + maxEndpoints).map(seen),
    });
    for (const listener of listeners) listener.send(payload);
  }
}
