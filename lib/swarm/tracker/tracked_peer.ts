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

/** Which announce a listed peer came by. */
export interface Origin {
  /** The canonical address that it came from: who is answerable for it. */
  readonly source: string;
  /** What the peer told us alone, so that we know it after its address changed: 32 bits; undefined when it did not. */
  readonly key: number | undefined;
}

/** The start of the compact form of `::1`; its port follows. */
const LOOPBACK_V6 = "\0".repeat(15) + "\x01";

/**
 * A listed peer. There may be a hundred thousand, so one holds no more than it must: its endpoint and its id are made
 * when somebody asks, and numbers are whole, which takes less than half.
 */
export class TrackedPeer implements AnnouncedPeer, Standing {
  /** Its compact endpoint and its peer id, one character a byte. */
  readonly name: string;
  /** The compact endpoint alone. */
  readonly compact: string;
  /** As in `Origin`. */
  source: string;
  readonly #key: number;
  isSeed: boolean;
  wantsMore: boolean;
  /** In ms, rounded up. */
  expiresAt: number;
  /** Where it stands in its pool. */
  position = 0;

  /** `expiresAt` in ms. */
  constructor(
    name: string,
    compact: string,
    { source, key }: Origin,
    { isSeed, wantsMore }: Standing,
    expiresAt: number,
  ) {
    this.name = name;
    this.compact = compact;
    this.source = source;
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

  /** Whether it announced over loopback: another process of this machine. */
  get isLocal(): boolean {
    return this.compact.length === COMPACT_LENGTH[4]
      ? this.compact.charCodeAt(0) === 127
      : this.compact.startsWith(LOOPBACK_V6);
  }

  /** Whether an announce of this origin, for this endpoint's `address`, may change what is listed. */
  heeds({ source, key }: Origin, address: string): boolean {
    const told = storedKey(key);
    return source === this.source || source === address || (told !== 0 && told === this.#key);
  }
}

/** As a small integer. Zero stands for none, also because clients that know of no key send it by UDP. */
function storedKey(key: number | undefined): number {
  return (key ?? 0) | 0;
}
