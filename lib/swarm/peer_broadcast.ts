/**
 * Who must be told about which endpoints: the embedded tracker's list, pushed when it changes.
 *
 * Changes of one torrent's list are written to a log; every remote peer of our kind has read it up to some
 * position. The first change goes out at once, later ones are collected for `BROADCAST.batchMs`, so that a class
 * room switched on together causes a few rounds. Peers at the same position that see the same addresses share
 * one encoded message. Only what announced to *this* process gets here; what others broadcast does not, so
 * lists cannot circle.
 */
import { type Endpoint, formatEndpoint, scopeOf } from "../protocol/endpoint.ts";
import { encodePeerList, type ListedPeer } from "../protocol/extension_messages.ts";
import { BROADCAST } from "../settings.ts";

/** A change in the list: `isSeed` is undefined when the endpoint left. */
interface Change {
  readonly endpoint: Endpoint;
  readonly isSeed: boolean | undefined;
}

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
  #list = new Map<string, ListedPeer>();
  #log: Change[] = [];
  /** Changes that were in the log before its first one. */
  #forgotten = 0;
  readonly #positions = new Map<Listener, number>();
  #lastRoundAt = -Infinity;

  /** Changes that some listener has not been told of. */
  get unread(): number {
    return this.#log.length;
  }

  /** Compares the tracker's list with the last one and logs the difference. */
  update(list: Iterable<ListedPeer>): void {
    const next = new Map<string, ListedPeer>();
    for (const peer of list) next.set(formatEndpoint(peer.endpoint), peer);
    for (const [name, { endpoint }] of this.#list) {
      if (!next.has(name)) this.#log.push({ endpoint, isSeed: undefined });
    }
    for (const [name, { endpoint, isSeed }] of next) {
      if (this.#list.get(name)?.isSeed !== isSeed) this.#log.push({ endpoint, isSeed });
    }
    this.#list = next;
    this.#trim();
  }

  /** A remote peer of our kind is connected; it is told of the whole list, then of every change. */
  join(listener: Listener): void {
    this.#positions.set(listener, this.#forgotten + this.#log.length);
    const everybody = [...this.#list.values()].slice(0, BROADCAST.maxEndpoints);
    this.#tell([listener], everybody);
  }

  leave(listener: Listener): void {
    this.#positions.delete(listener);
    this.#trim();
  }

  /** Whether the last round is long enough ago for another one; `now` in ms. */
  mayFlush(now: number): boolean {
    return now - this.#lastRoundAt >= BROADCAST.batchMs;
  }

  /** Sends what is new, unless the last round was too short a time ago. A round without listeners counts too. */
  flush(now: number): void {
    if (!this.mayFlush(now)) return;
    this.#lastRoundAt = now;
    if (this.unread === 0) return;
    const end = this.#forgotten + this.#log.length;
    for (
      const [key, listeners] of Map.groupBy(this.#positions.keys(), (listener) => this.#groupOf(listener))
    ) {
      const position = Number(key.split(" ")[0]);
      if (position === end) continue;
      // Of several changes to one endpoint, the last one counts.
      const news = new Map<string, Change>();
      for (const change of this.#log.slice(position - this.#forgotten)) {
        news.set(formatEndpoint(change.endpoint), change);
      }
      this.#tell(listeners, news.values());
      for (const listener of listeners) this.#positions.set(listener, end);
    }
    this.#trim();
  }

  /** Listeners that need the same bytes: same position, same view of the addresses on our machine. */
  #groupOf(listener: Listener): string {
    const sharesMachine = scopeOf(listener.address) === "loopback";
    return `${this.#positions.get(listener)} ${sharesMachine ? "" : listener.localAddress}`;
  }

  #tell(listeners: readonly Listener[], changes: Iterable<Change>): void {
    const { address, localAddress } = listeners[0];
    const sharesMachine = scopeOf(address) === "loopback";
    // Who announced over loopback is on our machine: elsewhere, that is our address.
    const seen = (endpoint: Endpoint) =>
      !sharesMachine && scopeOf(endpoint.address) === "loopback"
        ? { address: localAddress, port: endpoint.port }
        : endpoint;
    const added: ListedPeer[] = [];
    const dropped: Endpoint[] = [];
    for (const { endpoint, isSeed } of changes) {
      if (isSeed === undefined) dropped.push(seen(endpoint));
      else added.push({ endpoint: seen(endpoint), isSeed });
    }
    const { maxEndpoints } = BROADCAST;
    for (let from = 0; from < Math.max(added.length, dropped.length); from += maxEndpoints) {
      const payload = encodePeerList({
        added: added.slice(from, from + maxEndpoints),
        dropped: dropped.slice(from, from + maxEndpoints),
      });
      for (const listener of listeners) listener.send(payload);
    }
  }

  /** Forgets the part of the log that everybody has read. */
  #trim(): void {
    const end = this.#forgotten + this.#log.length;
    const read = Math.min(end, ...this.#positions.values());
    this.#log.splice(0, read - this.#forgotten);
    this.#forgotten = read;
  }
}
