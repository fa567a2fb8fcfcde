/**
 * Codes of words that name a torrent: the first 44 bits of its info-hash as four words, or 66 bits as six.
 *
 * The words are those of BIP 39, 2,048 in number, which differ within their first four letters. Who has the torrent can
 * say its code; who is given a code can check a torrent against it. A forger needs about 2^44 hashes, or 2^66.
 */
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { editDistance } from "./edit_distance.ts";
import { type InfoHash, infoHashBytes } from "./info_hash.ts";
import { lookupHash } from "./lookup_hash.ts";

/** Bits of one word. */
const WORD_BITS = 11;
/** Letters by which a word is told from all others; a shorter word is known by all its letters. */
const TELLING_LETTERS = 4;
/** Longest word looked at, in letters. */
const MAX_LETTERS = 32;

/** Words of a usual code, and of a strong one. */
export const CODE_WORDS = { usual: 4, strong: 6 } as const;

/** A code as it was read. */
export interface ShareCode {
  /** Each word as it stands in the list, from which the same code is made: `seminar drink school resource`. */
  readonly text: string;
  /** The hash under which hosts that have the torrent are asked for it. */
  readonly lookupHash: InfoHash;
}

const BY_LETTERS: ReadonlyMap<string, number> = new Map(
  wordlist.map((word, position) => [word.slice(0, TELLING_LETTERS), position]),
);

/** The code of a torrent: four words with a space between them, or six with `isStrong`. */
export function shareCode(infoHash: InfoHash, isStrong = false): string {
  const length = isStrong ? CODE_WORDS.strong : CODE_WORDS.usual;
  const bits = Array.from(infoHashBytes(infoHash), (byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from(
    { length },
    (_, at) => wordlist[parseInt(bits.slice(at * WORD_BITS, (at + 1) * WORD_BITS), 2)],
  )
    .join(" ");
}

/** The hashes under which strangers ask for a torrent: that of its usual code, and that of its strong one. */
export function lookupHashesOf(infoHash: InfoHash): InfoHash[] {
  const bytes = infoHashBytes(infoHash);
  return [CODE_WORDS.usual, CODE_WORDS.strong].map((words) =>
    lookupHash("share", beginning(bytes, words * WORD_BITS))
  );
}

/** The first `bits` of some bytes; the last byte is filled with zeros. */
function beginning(bytes: Uint8Array, bits: number): Uint8Array {
  const cut = bytes.slice(0, Math.ceil(bits / 8));
  cut[cut.length - 1] &= 0xff << (8 * cut.length - bits);
  return cut;
}

/** Whether a torrent has this code. */
export function hasCode(infoHash: InfoHash, { text }: Pick<ShareCode, "text">): boolean {
  return [false, true].some((isStrong) => shareCode(infoHash, isStrong) === text);
}

/**
 * Reads a code. Neither case nor what stands between the words matters, and of each word the first four letters are
 * enough. Errors: `RangeError` that says which word is none, and the nearest one.
 */
export function readShareCode(text: string): ShareCode {
  const words = text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const { usual, strong } = CODE_WORDS;
  if (words.length !== usual && words.length !== strong) {
    throw new RangeError(`Expected a code of ${usual} or ${strong} words, got ${words.length}`);
  }
  const code = words.map((word) => wordlist[positionOf(word)]).join(" ");
  return { text: code, lookupHash: lookupHashOf(code) };
}

/** The words of a code as bits, the first bit being the highest of the first byte; the last byte is filled with zeros. */
function lookupHashOf(code: string): InfoHash {
  const words = code.split(" ");
  const bits = words.map((word) => positionOf(word).toString(2).padStart(WORD_BITS, "0")).join("");
  const bytes = Uint8Array.from(
    { length: Math.ceil(bits.length / 8) },
    (_, at) => parseInt(bits.slice(8 * at, 8 * at + 8).padEnd(8, "0"), 2),
  );
  return lookupHash("share", bytes);
}

/** The place of a word in the list. Errors: `RangeError`. */
function positionOf(word: string): number {
  const position = BY_LETTERS.get(word.slice(0, TELLING_LETTERS));
  if (position !== undefined) return position;
  const near = nearestTo(word.slice(0, MAX_LETTERS));
  throw new RangeError(
    `Expected a word of the list of codes, got ${word.slice(0, MAX_LETTERS)}; did you mean ${near}?`,
  );
}

function nearestTo(word: string): string {
  let [best, least] = ["", Infinity];
  for (const candidate of wordlist) {
    const distance = editDistance(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}
