/**
 * Bits as words that people can say and type. The words are those of BIP 39, 2,048 in number, which differ within their
 * first four letters.
 */
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { editDistance } from "./edit_distance.ts";

/** Bits of one word. */
export const WORD_BITS = 11;
/** Letters by which a word is told from all others; a shorter word is known by all its letters. */
const TELLING_LETTERS = 4;
/** Longest word looked at, in letters. */
const MAX_LETTERS = 32;

const BY_LETTERS: ReadonlyMap<string, number> = new Map(
  wordlist.map((word, position) => [word.slice(0, TELLING_LETTERS), position]),
);

/** The first `count` × 11 bits of some bytes as words, with a space between them. */
export function wordsOf(bytes: Uint8Array, count: number): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from(
    { length: count },
    (_, at) => wordlist[parseInt(bits.slice(at * WORD_BITS, (at + 1) * WORD_BITS), 2)],
  ).join(" ");
}

/** The parts of a code as a user types it: neither case nor what stands between them matters. */
export function splitWords(text: string): string[] {
  return text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
}

/**
 * The words as they stand in the list, with a space between them; of each, the first four letters are enough. Errors:
 * `RangeError` that says which word is none, and the nearest one.
 */
export function readWords(words: readonly string[]): string {
  return words.map((word) => wordlist[positionOf(word)]).join(" ");
}

/** The bits of words of the list, as `0` and `1`. */
export function bitsOfWords(words: string): string {
  return words.split(" ").map((word) => positionOf(word).toString(2).padStart(WORD_BITS, "0")).join("");
}

/** Bits as bytes, the first bit being the highest of the first byte; the last byte is filled with zeros. */
export function bytesOfBits(bits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length: Math.ceil(bits.length / 8) },
    (_, at) => parseInt(bits.slice(8 * at, 8 * at + 8).padEnd(8, "0"), 2),
  );
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
