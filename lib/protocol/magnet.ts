/** Reads and writes magnet links (BEP 9, BEP 53). */
import { MetainfoError } from "../errors.ts";
import { fromBase32 } from "./bytes.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashFromBytes, parseInfoHash } from "./info_hash.ts";
import { printable } from "./printable.ts";

/** What a magnet link may contain at most; the values are in `settings.ts`. */
export interface MagnetLimits {
  /** Characters of the whole link. */
  readonly characters: number;
  /** Entries that are used of each kind: trackers, peers, web seeds and ranges of files. */
  readonly entries: number;
}

/** A run of files by their position in the torrent, both ends included. */
export interface FileRange {
  readonly first: number;
  readonly last: number;
}

/** Everything that a magnet link contains. */
export interface Magnet {
  readonly infoHash: InfoHash;
  /** Name of the torrent until its metadata is there; a text from outside, empty where the link has none. */
  readonly name: string;
  /** Announce addresses as they stand in the link. */
  readonly trackers: readonly string[];
  /** Peers to connect to at once, `host:port` each; a host may be a name. */
  readonly peers: readonly string[];
  readonly webSeeds: readonly string[];
  /** The files to download (BEP 53); empty stands for all. */
  readonly selectOnly: readonly FileRange[];
}

/** A link that was read, and warnings for people about its unusable parts. */
interface ReadMagnet extends Magnet {
  readonly warnings: readonly string[];
}

const BTIH = "urn:btih:";
const BTMH = "urn:btmh:";

/** Whether a text means to be a magnet link, well-formed or not. */
export function isMagnet(text: string): boolean {
  return /^magnet:/i.test(text);
}

/**
 * Reads a magnet link. Unknown parameters are ignored, as is a v2 info-hash beside a v1 one. Malformed peers, web
 * seeds, files and info-hashes, and entries above the limit, are left out with a warning. A `#` begins no fragment:
 * names contain it, and people do not escape it.
 *
 * Errors: `MetainfoError` with one sentence that names what was expected and what was found.
 * Spec: BEP 9 "magnet URI format", BEP 53.
 */
export function parseMagnet(text: string, limits: MagnetLimits): ReadMagnet {
  if (text.length > limits.characters) {
    throw new MetainfoError(`Expected at most ${limits.characters} characters, got ${text.length}`);
  }
  const query = /^magnet:\?(.*)/is.exec(text)?.[1];
  if (query === undefined) throw new MetainfoError(`Expected "magnet:?" at the start, got ${quote(text)}`);
  // Links copied from the source of web pages still have escaped separators.
  const parameters = new URLSearchParams(query.replaceAll("&amp;", "&"));
  const warnings: string[] = [];
  /** The values that can be read from some texts, up to the limit; warns of the others. */
  const usable = <Value>(
    texts: readonly string[],
    what: string,
    read: (text: string) => Value | undefined,
  ) => {
    const values = texts.map(read);
    const bad = texts.filter((_, position) => values[position] === undefined);
    if (bad.length > 0) warnings.push(`Expected ${what}, got ${quote(bad[0])}${andMore(bad.length - 1)}`);
    const good = values.filter((value) => value !== undefined);
    if (good.length > limits.entries) {
      warnings.push(`Expected at most ${limits.entries} of ${what}, got more`);
    }
    return good.slice(0, limits.entries);
  };
  const all = (name: string) => valuesOf(parameters, name);
  const ranges = all("so").flatMap((value) => value.split(","));
  return {
    infoHash: infoHashOf(all("xt"), usable),
    name: all("dn")[0] ?? "",
    trackers: usable(all("tr"), "announce addresses", (tracker) => tracker),
    peers: usable(all("x.pe"), "peers as host:port", readPeer),
    webSeeds: usable(all("ws"), "web seeds of http or https", readWebSeed),
    selectOnly: usable(ranges, "files as a number or a range", readFileRange),
    warnings,
  };
}

function andMore(count: number): string {
  return count > 0 ? ` and ${count} more` : "";
}

/** A magnet link for a torrent, with the info-hash in hex and without the parts that are missing or empty. */
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

/** Values of a parameter and of its numbered forms (`tr`, `tr.1`, …), in order, each once, without empty ones. */
function valuesOf(parameters: URLSearchParams, name: string): string[] {
  const values = new Set<string>();
  for (const [key, value] of parameters) {
    const [own, number] = [key.slice(0, name.length).toLowerCase(), key.slice(name.length)];
    if (own !== name || !/^(\.\d{1,4})?$/.test(number) || value.trim() === "") continue;
    values.add(value.trim());
  }
  return [...values];
}

type Usable = <Value>(
  texts: readonly string[],
  what: string,
  read: (text: string) => Value | undefined,
) => Value[];

/** The one v1 info-hash among the topics of a link. */
function infoHashOf(topics: readonly string[], usable: Usable): InfoHash {
  const ofType = (urn: string) =>
    topics.filter((topic) => topic.toLowerCase().startsWith(urn)).map((topic) => topic.slice(urn.length));
  const texts = ofType(BTIH);
  const infoHashes = new Set(usable(texts, INFO_HASHES, readInfoHash));
  if (infoHashes.size > 1) throw new MetainfoError(`Expected one info-hash, got ${infoHashes.size}`);
  for (const infoHash of infoHashes) return infoHash;
  if (texts.length > 0) throw new MetainfoError(`Expected ${INFO_HASHES}, got ${quote(texts[0])}`);
  throw new MetainfoError(
    ofType(BTMH).length > 0
      ? "Expected a v1 info-hash, got one of v2 only"
      : `Expected "xt=${BTIH}" and an info-hash, got none`,
  );
}

const INFO_HASHES = "an info-hash of 40 hex digits or 32 of base32";

/** The info-hash of 40 hex digits, or of 32 base32 characters as in older links (BEP 9). A `#` ends it. */
function readInfoHash(text: string): InfoHash | undefined {
  const bare = text.replace(/#.*/s, "");
  const base32 = bare.length === 32 ? fromBase32(bare) : undefined;
  return base32?.length === INFO_HASH_LENGTH ? infoHashFromBytes(base32) : parseInfoHash(bare);
}

function readPeer(text: string): string | undefined {
  const [, peer, port] = /^((?:\[[0-9a-f:.%]+\]|[^\s:/?#@[\]]+):(\d{1,5}))(?:#|$)/i.exec(text) ?? [];
  return Number(port) >= 1 && Number(port) <= 65535 ? peer : undefined;
}

function readWebSeed(text: string): string | undefined {
  const protocol = URL.parse(text)?.protocol;
  return protocol === "http:" || protocol === "https:" ? text : undefined;
}

function readFileRange(text: string): FileRange | undefined {
  const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?(?:#|$)/.exec(text.trim()) ?? [];
  if (first === undefined || Number(last) < Number(first)) return undefined;
  return { first: Number(first), last: Number(last) };
}

function quote(text: string): string {
  return JSON.stringify(printable(text.slice(0, 80)));
}
