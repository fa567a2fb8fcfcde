/** `.torrent` files (BEP 3 "metainfo files", BEP 12, 19, 27, 47) to values and back. */
import { createHash } from "node:crypto";
import { MetainfoError, ProtocolError } from "../errors.ts";
import {
  type BencodeDictionary,
  type BencodeLimits,
  type BencodeValue,
  bytesIn,
  checkBencode,
  decode,
  encode,
  encodedBytes,
  encodedItems,
  encodeMembers,
  isEncodedDictionary,
  listIn,
  numberIn,
  walkBencode,
} from "./bencode.ts";
import { fromUtf8, toUtf8 } from "./bytes.ts";
import { type FileListLimits, filesOf, rawPathsOf, type TorrentFile } from "./file_list.ts";
import { type InfoHash, infoHashFromBytes } from "./info_hash.ts";
import { PieceLayout } from "./piece_layout.ts";
import { finish, type Steps } from "./steps.ts";

/** Bytes that are hashed between two pauses. */
const HASHED_PER_STEP = 4 * 1024 * 1024;

/** Length of a SHA-1 piece hash in bytes. */
export const PIECE_HASH_LENGTH = 20;

export type { TorrentFile };

/** What a torrent may contain at most; the values are in `settings.ts`. */
export interface MetainfoLimits extends FileListLimits {
  /** Bytes of a whole `.torrent` file. */
  readonly fileBytes: number;
  readonly pieces: number;
  /** Values in the members of `OUTER_KEYS` together: strings, numbers, lists and dictionaries. */
  readonly outerValues: number;
  /** Bytes; limited because a piece is assembled in memory. */
  readonly minPieceLength: number;
  readonly maxPieceLength: number;
  readonly bencode: BencodeLimits;
}

/** Everything that a torrent contains. */
export interface Metainfo {
  readonly infoHash: InfoHash;
  /** SHA-256 of the info dictionary in hex where the torrent is a hybrid (BEP 52), else null. */
  readonly infoHashV2: string | null;
  /** Safe name of the file, or of the folder that holds the files. */
  readonly name: string;
  readonly files: readonly TorrentFile[];
  readonly layout: PieceLayout;
  /** The SHA-1 of each piece in order, 20 bytes each. */
  readonly pieceHashes: Uint8Array;
  readonly isPrivate: boolean;
  /** Announce addresses as they stand in the torrent, tier by tier (BEP 12). */
  readonly announceTiers: readonly (readonly string[])[];
  /** Web servers with the files (BEP 19). */
  readonly webSeeds: readonly string[];
  /** Web servers that deliver pieces (BEP 17). */
  readonly httpSeeds: readonly string[];
  readonly comment: string;
  readonly createdBy: string;
  /** Seconds since 1970; undefined where the torrent has no usable date. */
  readonly creationDate: number | undefined;
  /** The info dictionary's bytes as they stand in the torrent. */
  readonly rawInfo: Uint8Array;
}

/** The SHA-1 that piece `index` must have: 20 bytes, as a borrowed view. */
export function pieceHash(metainfo: Metainfo, index: number): Uint8Array {
  return metainfo.pieceHashes.subarray(index * PIECE_HASH_LENGTH, (index + 1) * PIECE_HASH_LENGTH);
}

/**
 * Reads a `.torrent` file.
 *
 * Errors: `MetainfoError` with one sentence that names what was expected and what was found.
 */
export function parseMetainfo(bytes: Uint8Array, limits: MetainfoLimits): Metainfo {
  return finish(readMetainfo(bytes, limits));
}

/** Does the same with pauses, as a large torrent takes a second. */
export function* readMetainfo(bytes: Uint8Array, limits: MetainfoLimits): Steps<Metainfo> {
  if (bytes.length > limits.fileBytes) {
    throw new MetainfoError(`Expected at most ${limits.fileBytes} bytes, got ${bytes.length}`);
  }
  const { rawInfo, outer } = yield* refusing(splitMetainfo(bytes, limits));
  yield;
  const info = yield* readInfo(rawInfo, limits);
  return {
    ...info,
    announceTiers: announceTiersOf(outer),
    webSeeds: webSeedsOf(outer, "url-list"),
    httpSeeds: webSeedsOf(outer, "httpseeds"),
    comment: textIn(outer, "comment"),
    createdBy: textIn(outer, "created by"),
    creationDate: dateIn(outer, "creation date"),
  };
}

const OUTER_KEYS = [
  "announce",
  "announce-list",
  "url-list",
  "httpseeds",
  "comment",
  "created by",
  "creation date",
];

function* splitMetainfo(bytes: Uint8Array, limits: MetainfoLimits) {
  const { members, end } = yield* walkBencode(bytes, limits.bencode);
  if (bytes.subarray(end).some((byte) => !isWhiteSpace(byte))) {
    throw new MetainfoError(`Expected the end after ${end} bytes, got more`);
  }
  const rawInfo = members.get("info");
  if (rawInfo === undefined) throw new MetainfoError("Expected an info dictionary, got none");
  const { depth } = limits.bencode;
  return { rawInfo, outer: decodeSome(members, OUTER_KEYS, { depth, values: limits.outerValues }) };
}

/** Decodes the members of a dictionary that we read; the others may be large. */
function decodeSome(
  members: ReadonlyMap<string, Uint8Array>,
  keys: readonly string[],
  limits: BencodeLimits,
): BencodeDictionary {
  const some = new Map([...members].filter(([key]) => keys.includes(key)));
  return decode(encodeMembers(some), limits) as BencodeDictionary;
}

/** Whether a byte is a blank, tab or line break, which editors and web servers add at the end of a file. */
function isWhiteSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Turns errors of bencoding into a `MetainfoError`: to the user, the torrent is bad. */
function* refusing<T>(read: Steps<T>): Steps<T> {
  try {
    return yield* read;
  } catch (error) {
    if (error instanceof ProtocolError) throw new MetainfoError(error.message);
    throw error;
  }
}

/**
 * Reads an info dictionary alone, as BEP 9 transfers it, into a `Metainfo` without trackers.
 *
 * Errors: `MetainfoError`.
 */
export function parseInfo(rawInfo: Uint8Array, limits: MetainfoLimits): Metainfo {
  return finish(readInfo(rawInfo, limits));
}

const INFO_KEYS = ["length", "meta version", "name", "name.utf-8", "piece length", "private"];

/** Splits an info dictionary: decodes the members of `INFO_KEYS`, and leaves the large ones encoded. */
function* splitInfo(rawInfo: Uint8Array, limits: MetainfoLimits) {
  const { members, end } = yield* walkBencode(rawInfo, limits.bencode);
  if (end !== rawInfo.length || !isEncodedDictionary(rawInfo)) {
    throw new MetainfoError("Expected an info dictionary, got something else");
  }
  const info = decodeSome(members, INFO_KEYS, limits.bencode);
  return { info, files: encodedItems(members.get("files")), pieces: encodedBytes(members.get("pieces")) };
}

/** Does the same as `parseInfo` with pauses. */
export function* readInfo(rawInfoView: Uint8Array, limits: MetainfoLimits): Steps<Metainfo> {
  const rawInfo = rawInfoView.slice();
  yield;
  const { info, files: list, pieces: pieceHashes } = yield* refusing(splitInfo(rawInfo, limits));
  if (pieceHashes === undefined) {
    throw new MetainfoError(
      numberIn(info, "meta version") === 2
        ? "Expected a v1 or hybrid torrent, got one of v2 only"
        : "Expected piece hashes, got none",
    );
  }
  if (pieceHashes.length % PIECE_HASH_LENGTH !== 0) {
    throw new MetainfoError(`Expected piece hashes of 20 bytes each, got ${pieceHashes.length} bytes`);
  }
  const pieceLength = pieceLengthOf(info, limits);
  const files = yield* filesOf(info, list, limits);
  const layout = new PieceLayout(pieceLength, Float64Array.from(files, (file) => file.length));
  if (!Number.isSafeInteger(layout.totalLength)) {
    throw new MetainfoError("Expected less than 2^53 bytes in all files, got more");
  }
  const pieceCount = pieceHashes.length / PIECE_HASH_LENGTH;
  if (pieceCount !== layout.pieceCount) {
    throw new MetainfoError(
      `Expected ${layout.pieceCount} piece hashes for ${layout.totalLength} bytes, got ${pieceCount}`,
    );
  }
  if (pieceCount > limits.pieces) {
    throw new MetainfoError(`Expected at most ${limits.pieces} pieces, got ${pieceCount}`);
  }
  const isHybrid = numberIn(info, "meta version") === 2;
  return {
    infoHash: infoHashFromBytes(yield* hashOf("sha1", rawInfo)),
    infoHashV2: isHybrid ? (yield* hashOf("sha256", rawInfo)).toHex() : null,
    name: files[0].path[0],
    files,
    layout,
    pieceHashes,
    isPrivate: numberIn(info, "private") === 1,
    announceTiers: [],
    webSeeds: [],
    httpSeeds: [],
    comment: "",
    createdBy: "",
    creationDate: undefined,
    rawInfo,
  };
}

function* hashOf(algorithm: "sha1" | "sha256", bytes: Uint8Array): Steps<Uint8Array> {
  const hash = createHash(algorithm);
  for (let start = 0; start < bytes.length; start += HASHED_PER_STEP) {
    hash.update(bytes.subarray(start, start + HASHED_PER_STEP));
    yield;
  }
  return new Uint8Array(hash.digest());
}

function pieceLengthOf(info: BencodeDictionary, limits: MetainfoLimits): number {
  const { minPieceLength, maxPieceLength } = limits;
  const pieceLength = numberIn(info, "piece length");
  if (pieceLength === undefined || pieceLength < minPieceLength || pieceLength > maxPieceLength) {
    throw new MetainfoError(
      `Expected a piece length of ${minPieceLength} to ${maxPieceLength} bytes, got ${pieceLength ?? "none"}`,
    );
  }
  return pieceLength;
}

/**
 * The paths of all files as the torrent spells them, in the order of `files`, the torrent's name first. They are for
 * web seeds, whose servers do not know our safe names, and never for the disk.
 *
 * It pauses between files. Errors: `MetainfoError`.
 */
export function* readOriginalPaths(rawInfo: Uint8Array, limits: MetainfoLimits): Steps<string[][]> {
  const { info, files } = yield* refusing(splitInfo(rawInfo, limits));
  return yield* rawPathsOf(info, files, limits);
}

function textIn(dictionary: BencodeDictionary, key: string): string {
  const bytes = bytesIn(dictionary, key);
  return bytes === undefined ? "" : fromUtf8(bytes);
}

/** Seconds since 1970; undefined for a date outside the years 1970 to 9999, which ISO 8601 can write. */
function dateIn(dictionary: BencodeDictionary, key: string): number | undefined {
  const seconds = numberIn(dictionary, key);
  return seconds !== undefined && seconds >= 0 && seconds < 253_402_300_800 ? seconds : undefined;
}

function texts(values: readonly BencodeValue[]): string[] {
  return values.filter((value) => value instanceof Uint8Array).map((bytes) => fromUtf8(bytes).trim())
    .filter((text) => text !== "");
}

/** The announce addresses; `announce-list` replaces `announce` where it names any tracker (BEP 12). */
function announceTiersOf(outer: BencodeDictionary): string[][] {
  const tiers = (listIn(outer, "announce-list") ?? [])
    .map((tier) => texts(Array.isArray(tier) ? tier : [tier]))
    .filter((tier) => tier.length > 0);
  const announce = textIn(outer, "announce").trim();
  return tiers.length > 0 || announce === "" ? tiers : [[announce]];
}

/** Web seeds, given as one text or a list (BEP 17, 19); each server once, however its address is spelled. */
function webSeedsOf(outer: BencodeDictionary, key: "url-list" | "httpseeds"): string[] {
  const urls = texts(listIn(outer, key) ?? [bytesIn(outer, key) ?? new Uint8Array()]);
  return [...new Map(urls.toReversed().map((url) => [URL.parse(url)?.href ?? url, url])).values()]
    .toReversed();
}

/** The members that `encodeMetainfo` writes beside an info dictionary. */
interface MetainfoExtras {
  readonly announceTiers: readonly (readonly string[])[];
  readonly webSeeds?: readonly string[] | undefined;
  readonly comment?: string | undefined;
  readonly createdBy?: string | undefined;
  /** Seconds since 1970. */
  readonly creationDate?: number | undefined;
}

/** A `.torrent` file with this info dictionary, whose bytes stay as they are. */
export function encodeMetainfo(rawInfo: Uint8Array, extras: MetainfoExtras): Uint8Array<ArrayBuffer> {
  const members = new Map([["info", rawInfo]]);
  setAnnounce(members, extras.announceTiers);
  if (extras.webSeeds?.length) members.set("url-list", encode(extras.webSeeds));
  if (extras.comment) members.set("comment", encode(extras.comment));
  if (extras.createdBy) members.set("created by", encode(extras.createdBy));
  if (extras.creationDate !== undefined) members.set("creation date", encode(extras.creationDate));
  return encodeMembers(members);
}

/**
 * Replaces the announce addresses of a `.torrent` file; everything else, above all the info dictionary, stays the same
 * byte for byte. Errors: `MetainfoError`.
 */
export function replaceAnnounce(
  bytes: Uint8Array,
  announceTiers: readonly (readonly string[])[],
  limits: MetainfoLimits,
): Uint8Array<ArrayBuffer> {
  parseMetainfo(bytes, limits);
  const { members } = checkBencode(bytes, limits.bencode);
  setAnnounce(members, announceTiers);
  return encodeMembers(members);
}

function setAnnounce(members: Map<string, Uint8Array>, tiers: readonly (readonly string[])[]): void {
  members.delete("announce");
  members.delete("announce-list");
  const first = tiers[0]?.[0];
  if (first === undefined) return;
  members.set("announce", encode(first));
  if (tiers.flat().length > 1) members.set("announce-list", encode(tiers));
}

/** A file for `encodeInfo`. Its path is below the torrent's name, and empty for a torrent of a single file. */
export interface InfoFile {
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
}

/** An info dictionary (BEP 3) from its parts. */
export function encodeInfo(
  name: string,
  files: readonly InfoFile[],
  pieceLength: number,
  pieceHashes: Uint8Array,
  isPrivate: boolean,
): Uint8Array<ArrayBuffer> {
  const isSingle = files.length === 1 && files[0].path.length === 0;
  return encode({
    ...(isSingle
      ? { length: files[0].length }
      : { files: files.map(({ path, length }) => ({ path, length })) }),
    name: toUtf8(name),
    "piece length": pieceLength,
    pieces: pieceHashes,
    ...(isPrivate ? { private: 1 } : {}),
  });
}
