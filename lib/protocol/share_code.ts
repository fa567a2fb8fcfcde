/**
 * Codes of words that name a torrent: the first 44 bits of its info-hash as four words, or 66 bits as six.
 *
 * The words are those of BIP 39, 2,048 in number, which differ within their first four letters. A host that has
 * the torrent can say its code, and a host that was given a code can check a torrent against it. A forger needs about
 * 2^44 hashes, or 2^66.
 */
import { bitsOfWords, bytesOfBits, readWords, splitWords, WORD_BITS, wordsOf } from "./code_words.ts";
import { type InfoHash, infoHashBytes } from "./info_hash.ts";
import { lookupHash } from "./lookup_hash.ts";

/** Words of a usual code, and of a strong one. */
const CODE_WORDS = { usual: 4, strong: 6 } as const;

/** A code as it was read. */
interface ShareCode {
  /** Each word as it stands in the list, from which the same code is made: `seminar drink school resource`. */
  readonly text: string;
  /** The hash under which hosts that have the torrent are asked for it. */
  readonly lookupHash: InfoHash;
}

/** The code of a torrent: four words with a space between them, or six with `isStrong`. */
export function shareCode(infoHash: InfoHash, isStrong = false): string {
  return wordsOf(infoHashBytes(infoHash), isStrong ? CODE_WORDS.strong : CODE_WORDS.usual);
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
  const words = splitWords(text);
  const { usual, strong } = CODE_WORDS;
  if (words.length !== usual && words.length !== strong) {
    throw new RangeError(`Expected a code of ${usual} or ${strong} words, got ${words.length}`);
  }
  const code = readWords(words);
  return { text: code, lookupHash: lookupHash("share", bytesOfBits(bitsOfWords(code))) };
}
