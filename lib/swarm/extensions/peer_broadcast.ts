/**
 * Pushes the embedded tracker's list to connected peers of our kind when it changes.
 *
 * The first change goes out at once. Later changes are collected for `BROADCAST.batchMs`, so that a class room that is
 * switched on together causes a few rounds only. A round compares the list with the one told before and sends the
 * difference; peers that see the same addresses share one encoded message. The list holds only peers that announced to
 * *this* process, and none that others broadcast, so that no list can circle.
 */
import { type Endpoint, formatEndpoint, scopeOf } from "../../protocol/endpoint.ts";
import { encodePeerList, type ListedPeer } from "../../protocol/extension_messages.ts";
import { BROADCAST } from "../../settings.ts";
import type { SwarmNews } from "../ports.ts";

/** A connected remote peer that understands `lan_peers`. */
export interface Listener {
  /** The peer's address, which tells whether the peer is on our machine. */
  readonly address: string;
  /** Our own address as the peer sees it. */
  readonly localAddress: string;
  /** Sends the payload of one `lan_peers` message. */
  send(payload: Uint8Array): void;
}

/** What has changed in the tracker's list. Peers are named as `host:port`. */
type ListChange = Omit<Extract<SwarmNews, { event: "tracker" }>, "event" | "names">;

/** The pushed list of one torrent. */
export class PeerBroadcast {
  /** The list that every listener has been told. */
  #list = new Map<string, ListedPeer>();
  readonly #listeners = new Set<Listener>();
  #lastRoundAt = -Infinity;

  /** Whether enough time has passed since the last round for another one; `now` in ms. */
  isDue(now: number): boolean {
    return now - this.#lastRoundAt >= BROADCAST.batchMs;
  }

  /** Goes on with the list that another broadcast of the same torrent has told. */
  goOnFrom(other: PeerBroadcast): void {
    this.#list = other.#list;
  }

  /**
   * Does one round at `now` (ms): compares the tracker's list with the one told last, and tells the difference. Returns
   * what has changed; undefined when nothing has.
   */
  update(list: Iterable<ListedPeer>, now: number): ListChange | undefined {
    this.#lastRoundAt = now;
    const next = new Map<string, ListedPeer>();
    // Copies, because the tracker changes its entries when a peer announces again.
    for (const { endpoint, isSeed } of list) next.set(formatEndpoint(endpoint), { endpoint, isSeed });
    const added = [...next].filter(([name, { isSeed }]) => this.#list.get(name)?.isSeed !== isSeed);
    const dropped = [...this.#list].filter(([name]) => !next.has(name));
    const known = this.#list;
    this.#list = next;
    if (added.length === 0 && dropped.length === 0) return undefined;
    for (const listeners of Map.groupBy(this.#listeners, viewOf).values()) {
      tell(listeners, added.map(([, peer]) => peer), dropped.map(([, { endpoint }]) => endpoint));
    }
    const isNew = ([name]: readonly [string, ListedPeer]) => !known.has(name);
    return {
      joined: added.filter(isNew).map(([name]) => name),
      left: dropped.map(([name]) => name),
      finished: added.filter(([name, { isSeed }]) => isSeed && known.has(name)).map(([name]) => name),
      known: next.size,
      pushedTo: this.#listeners.size,
    };
  }

  /** A remote peer of our kind is connected: it hears the whole list now, and every change later. */
  join(listener: Listener): void {
    this.#listeners.add(listener);
    tell([listener], [...this.#list.values()], []);
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
  }
}

/** Names a listener's view. Listeners on our machine have one view; so have all others that reach us by one address. */
function viewOf({ address, localAddress }: Listener): string {
  return scopeOf(address) === "loopback" ? "" : localAddress;
}

/** Tells changes to listeners of one view, in messages no longer than they accept. */
function tell(
  listeners: readonly Listener[],
  added: readonly ListedPeer[],
  dropped: readonly Endpoint[],
): void {
  const view = viewOf(listeners[0]);
  // A peer that announced over loopback is on our machine, so listeners elsewhere reach it at our address.
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
