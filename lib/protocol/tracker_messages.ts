/** Requests and replies between peers and trackers, in the form that HTTP and UDP share. */
import { fromUtf8 } from "./bytes.ts";
import { COMPACT_LENGTH, type Endpoint, type IpFamily, toCompactText } from "./endpoint.ts";
import type { HostReport } from "./host_report.ts";
import type { InfoHash } from "./info_hash.ts";
import { printable } from "./printable.ts";

/**
 * The event since the last announce; a regular announce has none. `paused` takes the place of none while the announcer
 * wants nothing more although it lacks something (BEP 21).
 */
export type AnnounceEvent = "started" | "completed" | "stopped" | "paused";

/** All events. */
export const ANNOUNCE_EVENTS: readonly AnnounceEvent[] = ["started", "completed", "stopped", "paused"];

/** One announce, sent by HTTP or by UDP. Amounts in bytes. */
export interface AnnounceRequest {
  readonly infoHash: InfoHash;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Port on which the announcer accepts peers, 1 to 65535. */
  readonly port: number;
  readonly uploaded: number;
  readonly downloaded: number;
  /** Bytes still to download; undefined while unknown, as before the metadata of a magnet link is there. */
  readonly left: number | undefined;
  readonly event?: AnnounceEvent;
  /** Peers wanted in the reply; undefined leaves it to the tracker. */
  readonly numwant?: number;
  /** 32 bits that only trackers learn, so that they recognize us after our address has changed. */
  readonly key?: number;
  /** Whether the reply is to list peers in compact form (BEP 23); dictionaries have no peer ids when `noPeerId`. */
  readonly compact: boolean;
  readonly noPeerId: boolean;
  readonly supportsCrypto: boolean;
  /** The `tracker id` of the tracker's last reply, which every announce must repeat. */
  readonly trackerId?: Uint8Array;
  /** Canonical addresses that the announcer claims (`ip`, `ipv4`, `ipv6`; BEP 3, 7); they may be false. */
  readonly claimedAddresses: readonly string[];
  /** What a machine of our kind tells a tracker of our kind about itself; by HTTP only. */
  readonly report?: HostReport;
}

/** A peer in a tracker's reply. */
export interface AnnouncedPeer {
  readonly endpoint: Endpoint;
  /** 20 characters, one a byte; absent in compact replies. */
  readonly peerId?: string;
  /** The compact form of `endpoint` as text, where it is known: a tracker keeps it for all its peers. */
  readonly compact?: string;
}

/** The compact list of the peers of one family (BEP 23, 7), one character a byte, of at most `limit` peers. */
export function compactPeers(
  peers: readonly AnnouncedPeer[],
  family: IpFamily,
  limit = Infinity,
): string {
  const length = COMPACT_LENGTH[family];
  let list = "";
  for (const peer of peers) {
    const compact = peer.compact ?? toCompactText(peer.endpoint);
    if (compact.length !== length) continue;
    if (list.length >= limit * length) break;
    list += compact;
  }
  return list;
}

/** A tracker's reply to an announce. From a hostile tracker, intervals may be any whole number. */
export interface AnnounceReply {
  readonly intervalSeconds: number;
  readonly minIntervalSeconds?: number | undefined;
  readonly complete?: number | undefined;
  readonly incomplete?: number | undefined;
  readonly downloaded?: number | undefined;
  /** Safe to print. */
  readonly warning?: string;
  readonly trackerId?: Uint8Array;
  readonly peers: readonly AnnouncedPeer[];
  /** A tracker of our kind wants a report after so many seconds; absent from others. */
  readonly reportIntervalSeconds?: number | undefined;
}

/** A tracker's refusal. */
export interface TrackerFailure {
  /** Safe to print. */
  readonly failureReason: string;
  /** How long the client must stay away (BEP 31), `Infinity` for ever; absent when the tracker named no time. */
  readonly retryInMs?: number;
}

/** What a tracker knows about one info-hash. */
export interface ScrapeCounts {
  readonly complete: number;
  readonly incomplete: number;
  /** Number of peers among `incomplete` that want more (BEP 21); undefined where the tracker does not count them. */
  readonly downloaders?: number;
  readonly downloaded: number;
}

/** The value of `left` while the length is unknown. It is not zero, or the tracker would take us for a seed. */
export const UNKNOWN_LEFT = 16 * 1024;

/** Longest text kept from a tracker, in characters. */
const MAX_TEXT_LENGTH = 300;

/** A text from a tracker, cut to `MAX_TEXT_LENGTH` and safe to print. */
export function trackerText(bytes: Uint8Array): string {
  return printable(fromUtf8(bytes.subarray(0, 4 * MAX_TEXT_LENGTH))).slice(0, MAX_TEXT_LENGTH);
}
