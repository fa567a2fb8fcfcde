/** The messages of our extension `peer_share`: a host asks another one what it shares under a lookup hash. */
import { ProtocolError } from "../errors.ts";
import { parseAnnounceAddress } from "./announce_address.ts";
import {
  type BencodeDictionary,
  bytesIn,
  decode,
  type Encodable,
  encode,
  isDictionary,
  listIn,
  numberIn,
} from "./bencode.ts";
import { fromUtf8, toUtf8 } from "./bytes.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashBytes, infoHashFromBytes } from "./info_hash.ts";
import { printable } from "./printable.ts";

/** Shares told in one answer. */
export const MAX_SHARES = 100;
/** Bytes of a whole answer. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Trackers told of one share, and the longest one, in characters. */
const MAX_TRACKERS = 8;
const MAX_TRACKER_LENGTH = 200;
/** Longest name of a share, or of a host, in bytes. */
const MAX_NAME_BYTES = 255;
const MAX_HOST_BYTES = 64;

/** A torrent that a host shares, as the host describes it: nothing of it is proven. */
export interface Share {
  readonly infoHash: InfoHash;
  readonly name: string;
  /** Bytes of all files. */
  readonly length: number;
  readonly files: number;
  /** Announce URLs. */
  readonly trackers: readonly string[];
  /** Whether those who know no code may see it, too. */
  readonly isListed: boolean;
}

/** One message. */
type ShareMessage =
  | { readonly type: "question" }
  /** `host`: the name by which people know the machine; may be empty. */
  | { readonly type: "answer"; readonly host: string; readonly shares: readonly Share[] };

const QUESTION = 0, ANSWER = 1;

/** The question for all that is shared under the lookup hash of the connection. */
export function encodeShareQuestion(): Uint8Array<ArrayBuffer> {
  return encode({ t: QUESTION });
}

/** The answer; of too many shares, the first ones are told. */
export function encodeShareAnswer(host: string, shares: readonly Share[]): Uint8Array<ArrayBuffer> {
  const told: Encodable[] = [];
  let bytes = 0;
  for (const share of shares.slice(0, MAX_SHARES)) {
    const entry = {
      f: share.files,
      h: infoHashBytes(share.infoHash),
      l: share.length,
      n: cut(share.name, MAX_NAME_BYTES),
      o: Number(share.isListed),
      t: share.trackers.filter(isTellable).slice(0, MAX_TRACKERS).map(toUtf8),
    };
    bytes += encode(entry).length;
    if (bytes > MAX_ANSWER_BYTES) break;
    told.push(entry);
  }
  return encode({ n: cut(host, MAX_HOST_BYTES), s: told, t: ANSWER });
}

/**
 * Reads a message; undefined for an unknown type. Entries that make no sense are left out, texts are made printable.
 * Errors: `ProtocolError`.
 */
export function parseShareMessage(payload: Uint8Array): ShareMessage | undefined {
  if (payload.length > 2 * MAX_ANSWER_BYTES) {
    throw new ProtocolError(
      `Expected at most ${2 * MAX_ANSWER_BYTES} bytes of shares, got ${payload.length}`,
    );
  }
  const value = decode(payload);
  if (!isDictionary(value)) throw new ProtocolError("Expected a dictionary as message about shares");
  switch (numberIn(value, "t")) {
    case QUESTION:
      return { type: "question" };
    case ANSWER: {
      const entries = (listIn(value, "s") ?? []).slice(0, MAX_SHARES);
      const shares = entries.flatMap((entry) => isDictionary(entry) ? shareIn(entry) ?? [] : []);
      return { type: "answer", host: textIn(value, "n", MAX_HOST_BYTES), shares };
    }
  }
}

function shareIn(entry: BencodeDictionary): Share | undefined {
  const hash = bytesIn(entry, "h");
  const length = numberIn(entry, "l");
  const files = numberIn(entry, "f");
  const isUsable = hash?.length === INFO_HASH_LENGTH && isCount(length) && isCount(files);
  if (!isUsable) return undefined;
  const trackers = (listIn(entry, "t") ?? []).slice(0, MAX_TRACKERS).flatMap((tracker) => {
    const text = tracker instanceof Uint8Array ? fromUtf8(tracker.subarray(0, MAX_TRACKER_LENGTH + 1)) : "";
    return isTellable(text) ? [text] : [];
  });
  return {
    infoHash: infoHashFromBytes(hash),
    name: textIn(entry, "n", MAX_NAME_BYTES),
    length,
    files,
    trackers,
    isListed: numberIn(entry, "o") === 1,
  };
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}

/** Whether an announce URL may be told to strangers: one with a user, a query or a long path may hold a key. */
function isTellable(url: string): boolean {
  if (url.length > MAX_TRACKER_LENGTH) return false;
  const parsed = parseAnnounceAddress(url);
  return parsed !== undefined && parsed.search === "" && ["", "/", "/announce"].includes(parsed.pathname);
}

function textIn(dictionary: BencodeDictionary, key: string, maxBytes: number): string {
  return printable(fromUtf8((bytesIn(dictionary, key) ?? new Uint8Array()).subarray(0, maxBytes)));
}

/** The beginning of a text that takes at most so many bytes. */
function cut(text: string, maxBytes: number): Uint8Array {
  return toUtf8(text).subarray(0, maxBytes);
}
