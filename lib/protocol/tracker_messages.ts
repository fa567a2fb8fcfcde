/** What peers and trackers tell each other, whether it travels by HTTP or by UDP. */
import { fromUtf8 } from "./bytes.ts";
import { COMPACT_LENGTH, type Endpoint, type IpFamily, toCompactText } from "./endpoint.ts";
import type { InfoHash } from "./info_hash.ts";
import { printable } from "./printable.ts";

/**
 * What happened since the last announce; none for a regular one. `paused` stands in place of none as long as the
 * announcer wants nothing more although it lacks something (BEP 21).
 */
export type AnnounceEvent = "started" | "completed" | "stopped" | "paused";

/** All of them. */
export const ANNOUNCE_EVENTS: readonly AnnounceEvent[] = ["started", "completed", "stopped", "paused"];

/** One announce, however it travelled. Amounts in bytes. */
export interface AnnounceRequest {
  readonly infoHash: InfoHash;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Where the announcer accepts peers, 1 to 65535. */
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  /** Bytes still to download; undefined when unknown, as before a magnet link's metadata is there. */
  readonly left: number | undefined;
  readonly event?: AnnounceEvent;
  /** Peers wanted in the reply; undefined leaves it to the tracker. */
  readonly numwant?: number;
  /** Told to trackers only, so that they know us after our address changed: 32 bits. */
  readonly key?: number;
  /** Peers as compact lists (BEP 23) and not as dictionaries; the latter without peer ids when `noPeerId`. */
  readonly compact: boolean;
  readonly noPeerId: boolean;
  readonly supportsCrypto: boolean;
  /** What this tracker asked us to say again. */
  readonly trackerId?: Uint8Array;
  /** Addresses the announcer claims (`ip`, `ipv4`, `ipv6`; BEP 3, 7), canonical. Whoever uses them decides on trust. */
  readonly claimedAddresses: readonly string[];
}

/** A peer in a tracker's reply. */
export interface AnnouncedPeer {
  readonly endpoint: Endpoint;
  /** 20 characters, one a byte; absent in compact replies. */
  readonly peerId?: string;
  /** The compact form of `endpoint`, as text, where it is known: a tracker has it for its fifty peers. */
  readonly compact?: string;
}

/** The compact list of those peers that are of this family (BEP 23, 7), at most `limit`. */
export function compactPeers(
  peers: readonly AnnouncedPeer[],
  family: IpFamily,
  limit = Infinity,
): Uint8Array<ArrayBuffer> {
  const length = COMPACT_LENGTH[family];
  const list = new Uint8Array(Math.min(peers.length, limit) * length);
  let filled = 0;
  for (const peer of peers) {
    const compact = peer.compact ?? toCompactText(peer.endpoint);
    if (compact.length !== length) continue;
    if (filled === list.length) break;
    for (let at = 0; at < length; at++) list[filled++] = compact.charCodeAt(at);
  }
  return list.subarray(0, filled);
}

/** A tracker's answer to an announce. Hostile trackers exist: intervals may be any whole number. */
export interface AnnounceReply {
  readonly intervalSeconds: number;
  readonly minIntervalSeconds?: number;
  readonly complete?: number;
  readonly incomplete?: number;
  readonly downloaded?: number;
  /** Safe to print. */
  readonly warning?: string;
  readonly trackerId?: Uint8Array;
  readonly peers: readonly AnnouncedPeer[];
}

/** A tracker's refusal. */
export interface TrackerFailure {
  /** Safe to print. */
  readonly failureReason: string;
  /** How long to stay away (BEP 31), `Infinity` for ever; absent when not said. */
  readonly retryInMs?: number;
}

/** What a tracker knows about one info-hash. */
export interface ScrapeCounts {
  readonly complete: number;
  readonly incomplete: number;
  /** Those of `incomplete` that want more (BEP 21); undefined where the tracker does not say. */
  readonly downloaders?: number;
  readonly downloaded: number;
}

/** Told as `left` while the length is unknown: not zero, or we would pass for a seed. */
export const UNKNOWN_LEFT = 16 * 1024;

/** Longest text of a tracker that is passed on, in characters. */
const MAX_TEXT_LENGTH = 300;

/** Text from a tracker, cut to a sane length and safe to print. */
export function trackerText(bytes: Uint8Array): string {
  return printable(fromUtf8(bytes.subarray(0, 4 * MAX_TEXT_LENGTH))).slice(0, MAX_TEXT_LENGTH);
}
