import { COMPACT_LENGTH, type Endpoint, fromCompactText } from "../../protocol/endpoint.ts";
import { PEER_ID_LENGTH } from "../../protocol/peer_id.ts";
import type { AnnouncedPeer } from "../../protocol/tracker_messages.ts";

/** What a peer has and wants. */
export interface Standing {
  /** Has everything. */
  isSeed: boolean;
  /** Lacks something and wants it: no seed, and no partial seed (BEP 21). */
  wantsMore: boolean;
}

/** The sender of an announce. */
interface Origin {
  /** The canonical address that the announce came from. */
  readonly sender: string;
  /** The secret number by which the peer is known again after its address changed: 32 bits; undefined without one. */
  readonly key: number | undefined;
}

/** The start of the compact form of `::1`; its port follows. */
const LOOPBACK_V6 = "\0".repeat(15) + "\x01";

/**
 * A listed peer. There may be a hundred thousand of them, so each takes as little memory as possible: its endpoint and
 * its id are made on demand, and its numbers are whole, as these take less than half of the memory of others.
 */
export class TrackedPeer implements AnnouncedPeer, Standing {
  /** Its compact endpoint and its peer id, one character a byte. */
  readonly name: string;
  /** The compact endpoint alone. */
  readonly compact: string;
  /** The address that its announces come from. */
  sender: string;
  readonly #key: number;
  isSeed: boolean;
  wantsMore: boolean;
  /** In ms, rounded up. */
  expiresAt: number;
  /** Its position in its pool. */
  position = 0;

  /** `expiresAt` in ms. */
  constructor(
    name: string,
    compact: string,
    { sender, key }: Origin,
    { isSeed, wantsMore }: Standing,
    expiresAt: number,
  ) {
    this.name = name;
    this.compact = compact;
    this.sender = sender;
    this.#key = storedKey(key);
    this.isSeed = isSeed;
    this.wantsMore = wantsMore;
    this.expiresAt = Math.ceil(expiresAt);
  }

  get endpoint(): Endpoint {
    return fromCompactText(this.compact);
  }

  /** 20 characters, one a byte. */
  get peerId(): string {
    return this.name.slice(-PEER_ID_LENGTH);
  }

  /** Whether this is its peer id. */
  hasId(peerId: string): boolean {
    return this.name.endsWith(peerId);
  }

  /** Whether it announced over loopback, as another process of this machine does. */
  get isLocal(): boolean {
    return this.compact.length === COMPACT_LENGTH[4]
      ? this.compact.charCodeAt(0) === 127
      : this.compact.startsWith(LOOPBACK_V6);
  }

  /** Whether an announce of this origin may change this entry, whose endpoint has `address`. */
  heeds({ sender, key }: Origin, address: string): boolean {
    const told = storedKey(key);
    return sender === this.sender || sender === address || (told !== 0 && told === this.#key);
  }
}

/** The key as a small integer. Zero stands for no key, and clients without a key send it by UDP, too. */
function storedKey(key: number | undefined): number {
  return (key ?? 0) | 0;
}
