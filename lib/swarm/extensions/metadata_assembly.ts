import { metadataParts } from "../../protocol/metadata_messages.ts";
import { METADATA } from "../../settings.ts";

/** A request for a part that has no answer yet. */
interface Ask<Peer> {
  readonly peer: Peer;
  /** When the part was asked for, in ms. */
  readonly at: number;
  isOverdue: boolean;
}

/** Metadata of one length that is being put together. Peers are told apart by identity. Times in ms. */
export class MetadataAssembly<Peer> {
  /** Bytes of the whole. */
  readonly length: number;
  /** The only peer that may contribute; undefined when all peers that offer this length may. */
  readonly only: Peer | undefined;
  readonly openedAt: number;
  /** Bytes of the parts that have come. */
  bytes = 0;
  /** Peers that sent a part. */
  readonly senders = new Set<Peer>();
  readonly #parts: (Uint8Array | undefined)[];
  /** Requests under way for each part. A part has several when the first peers did not answer soon. */
  readonly #asks: Ask<Peer>[][];

  constructor(length: number, only: Peer | undefined, now: number) {
    this.length = length;
    this.only = only;
    this.openedAt = now;
    this.#parts = new Array(metadataParts(length)).fill(undefined);
    this.#asks = this.#parts.map(() => []);
  }

  /** All parts in order; undefined while one is missing. */
  get whole(): readonly Uint8Array[] | undefined {
    return this.bytes < this.length ? undefined : this.#parts as Uint8Array[];
  }

  /** How many requests wait for an answer of `peer`. */
  askedOf(peer: Peer): number {
    let count = 0;
    for (const asks of this.#asks) for (const ask of asks) if (ask.peer === peer) count++;
    return count;
  }

  /**
   * The parts to ask for, and how many more peers each may be asked of: one peer at first, and two more for each peer
   * that does not answer soon. So even among a hundred peers that only pretend to have a part, an honest one is asked
   * within two seconds.
   */
  *open(): Iterable<{ part: number; more: number }> {
    for (const [part, asks] of this.#asks.entries()) {
      if (this.#parts[part] !== undefined) continue;
      const overdue = asks.reduce((count, ask) => count + Number(ask.isOverdue), 0);
      const more = 1 + 2 * overdue - asks.length;
      if (more > 0) yield { part, more };
    }
  }

  isAskedOf(part: number, peer: Peer): boolean {
    return this.#asks[part].some((ask) => ask.peer === peer);
  }

  /** Notes that a part is asked of a peer. */
  ask(part: number, peer: Peer, now: number): void {
    this.#asks[part].push({ peer, at: now, isOverdue: false });
  }

  /** Takes back one request; false when there was none. */
  takeBack(part: number, peer: Peer): boolean {
    const asks = this.#asks[part] ?? [];
    const at = asks.findIndex((ask) => ask.peer === peer);
    if (at >= 0) asks.splice(at, 1);
    return at >= 0;
  }

  /** Takes back all requests to a peer. */
  takeBackAll(peer: Peer): void {
    for (let part = 0; part < this.#asks.length; part++) this.takeBack(part, peer);
  }

  /**
   * Finds requests that have no answer yet. `late`: the peer of each request whose answer has just become late.
   * `expired`: peers with a request that is too old to wait for any longer.
   */
  overdue(now: number): { late: Peer[]; expired: Set<Peer> } {
    const late: Peer[] = [];
    const expired = new Set<Peer>();
    for (const asks of this.#asks) {
      for (const ask of asks) {
        if (now - ask.at >= METADATA.requestTimeoutMs) expired.add(ask.peer);
        if (ask.isOverdue || now - ask.at < METADATA.answerMs) continue;
        ask.isOverdue = true;
        late.push(ask.peer);
      }
    }
    return { late, expired };
  }

  /** Keeps a copy of a part; false when there is no such part, or when it is here already. */
  keep(part: number, peer: Peer, bytesView: Uint8Array): boolean {
    if (part >= this.#parts.length || this.#parts[part] !== undefined) return false;
    this.#parts[part] = bytesView.slice();
    this.#asks[part] = [];
    this.bytes += bytesView.length;
    this.senders.add(peer);
    return true;
  }
}
