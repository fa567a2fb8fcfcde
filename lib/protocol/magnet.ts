/** Magnet links (BEP 9, BEP 53) to values and back. */
import { MetainfoError } from "../errors.ts";
import { fromBase32 } from "./bytes.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashFromBytes, parseInfoHash } from "./info_hash.ts";
import { printable } from "./printable.ts";

/** What a magnet link may contain at most; values live in `settings.ts`. */
export interface MagnetLimits {
  /** Characters of the whole link. */
  readonly characters: number;
  /** Trackers, peers, web seeds and ranges of files: of each kind. */
  readonly entries: number;
}

/** A run of files by their position in the torrent, both ends included. */
export interface FileRange {
  readonly first: number;
  readonly last: number;
}

/** Everything a magnet link says. */
export interface Magnet {
  readonly infoHash: InfoHash;
  /** What to call it until its metadata is there; text from outside, empty where the link has none. */
  readonly name: string;
  /** Announce addresses as they stand in the link. */
  readonly trackers: readonly string[];
  /** Peers to connect to at once, `host:port` each; a host may be a name. */
  readonly peers: readonly string[];
  readonly webSeeds: readonly string[];
  /** The files wanted (BEP 53); empty: all. */
  readonly selectOnly: readonly FileRange[];
}

const BTIH = "urn:btih:";
const BTMH = "urn:btmh:";

/** Whether a text means to be a magnet link, well-formed or not. */
export function isMagnet(text: string): boolean {
  return /^magnet:/i.test(text);
}

/**
 * Reads a magnet link. Parameters we do not know are ignored, as is a v2 info-hash beside a v1 one.
 *
 * Errors: `MetainfoError` with one sentence that says what was expected and what came.
 * Spec: BEP 9 "magnet URI format", BEP 53.
 */
export function parseMagnet(text: string, limits: MagnetLimits): Magnet {
  if (text.length > limits.characters) {
    throw new MetainfoError(`Expected at most ${limits.characters} characters, got ${text.length}`);
  }
  const query = /^magnet:\?([^#]*)/i.exec(text)?.[1];
  if (query === undefined) throw new MetainfoError(`Expected "magnet:?" at the start, got ${quote(text)}`);
  const parameters = new URLSearchParams(query);
  const all = (name: string) => valuesOf(parameters, name, limits.entries);
  return {
    infoHash: infoHashOfTopics(all("xt")),
    name: all("dn")[0] ?? "",
    trackers: all("tr"),
    peers: all("x.pe").map(checkPeer),
    webSeeds: all("ws"),
    selectOnly: all("so").flatMap((value) => value.split(",", limits.entries + 1)).map((range, position) => {
      if (position >= limits.entries) {
        throw new MetainfoError(`Expected at most ${limits.entries} file ranges`);
      }
      return parseFileRange(range);
    }),
  };
}

/** A magnet link for a torrent; the info-hash in hex. Parts that are left out or empty do not appear. */
export function formatMagnet(magnet: Pick<Magnet, "infoHash"> & Partial<Magnet>): string {
  const parts = [`xt=${BTIH}${magnet.infoHash}`];
  const add = (name: string, values: readonly string[]) => {
    for (const value of values) parts.push(`${name}=${encodeURIComponent(value)}`);
  };
  if (magnet.name) add("dn", [magnet.name]);
  add("tr", magnet.trackers ?? []);
  add("ws", magnet.webSeeds ?? []);
  for (const peer of magnet.peers ?? []) parts.push(`x.pe=${peer}`);
  const ranges = (magnet.selectOnly ?? []).map(({ first, last }) =>
    first === last ? `${first}` : `${first}-${last}`
  );
  if (ranges.length > 0) parts.push(`so=${ranges.join(",")}`);
  return `magnet:?${parts.join("&")}`;
}

/** Values of a parameter and of its numbered forms (`tr`, `tr.1`, …), in order, each once, empty ones left out. */
function valuesOf(parameters: URLSearchParams, name: string, limit: number): string[] {
  const values = new Set<string>();
  for (const [key, value] of parameters) {
    const [own, number] = [key.slice(0, name.length).toLowerCase(), key.slice(name.length)];
    if (own !== name || !/^(\.\d{1,4})?$/.test(number) || value.trim() === "") continue;
    values.add(value.trim());
    if (values.size > limit) throw new MetainfoError(`Expected at most ${limit} times "${name}", got more`);
  }
  return [...values];
}

function infoHashOfTopics(topics: readonly string[]): InfoHash {
  const ofType = (urn: string) =>
    topics.filter((topic) => topic.toLowerCase().startsWith(urn)).map((topic) => topic.slice(urn.length));
  const infoHashes = new Set(ofType(BTIH).map(readInfoHash));
  if (infoHashes.size > 1) throw new MetainfoError(`Expected one info-hash, got ${infoHashes.size}`);
  for (const infoHash of infoHashes) return infoHash;
  throw new MetainfoError(
    ofType(BTMH).length > 0
      ? "Expected a v1 info-hash, got one of v2 only"
      : `Expected "xt=${BTIH}" and an info-hash, got none`,
  );
}

/** BEP 9: 40 hex digits, or 32 characters of base32 in older links. */
function readInfoHash(text: string): InfoHash {
  const base32 = text.length === 32 ? fromBase32(text) : undefined;
  const infoHash = base32?.length === INFO_HASH_LENGTH ? infoHashFromBytes(base32) : parseInfoHash(text);
  if (infoHash === undefined) {
    throw new MetainfoError(`Expected an info-hash of 40 hex digits or 32 of base32, got ${quote(text)}`);
  }
  return infoHash;
}

function checkPeer(text: string): string {
  const [, port] = /^(?:\[[0-9a-f:.%]+\]|[^\s:/?#@[\]]+):(\d{1,5})$/i.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65535) {
    throw new MetainfoError(`Expected a peer as host:port, got ${quote(text)}`);
  }
  return text;
}

function parseFileRange(text: string): FileRange {
  const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  if (first === undefined || Number(last) < Number(first)) {
    throw new MetainfoError(`Expected files as a number or a range, got ${quote(text)}`);
  }
  return { first: Number(first), last: Number(last) };
}

function quote(text: string): string {
  return JSON.stringify(printable(text.slice(0, 80)));
}
