/** Codes of invitations to a fleet: `4711 otter velvet lamp`. The number says where to ask, the words are the secret. */
import { readWords, splitWords, wordsOf } from "./code_words.ts";
import { deriveKey } from "./cryptography.ts";
import { toUtf8 } from "./bytes.ts";
import type { InfoHash } from "./info_hash.ts";
import { lookupHash } from "./lookup_hash.ts";
import { SCALAR_SEED_LENGTH, scalarOf } from "./spake2.ts";

/** Random bytes that a code is made of. */
export const CODE_SEED_LENGTH = 8;
/** Words of a code: 33 bits, of which a stranger may guess three times. */
const WORDS = 3;
const FIRST_NUMBER = 1_000, NUMBERS = 9_000;

/** The code of an invitation. */
export interface FleetCode {
  /** As it is said and typed. */
  readonly text: string;
  /** The hash under which both sides meet; it depends on the number alone. */
  readonly lookupHash: InfoHash;
  /** What both sides prove to each other that they know: w of SPAKE2. */
  readonly password: bigint;
}

/** A new code from `CODE_SEED_LENGTH` random bytes. */
export function makeFleetCode(seed: Uint8Array): FleetCode {
  const number = FIRST_NUMBER + (seed[0] << 16 | seed[1] << 8 | seed[2]) % NUMBERS;
  return codeOf(String(number), wordsOf(seed.subarray(3), WORDS));
}

/**
 * Reads a code; neither case nor what stands between its parts matters, and of each word the first four letters are
 * enough. Errors: `RangeError` that says what is wrong.
 */
export function readFleetCode(text: string): FleetCode {
  const [number, ...words] = splitWords(text);
  if (!/^\d{4}$/.test(number ?? "") || words.length !== WORDS) {
    throw new RangeError(
      `Expected an invitation of a number with four digits and ${WORDS} words, got ${text.slice(0, 80)}`,
    );
  }
  return codeOf(number, readWords(words));
}

function codeOf(number: string, words: string): FleetCode {
  const text = `${number} ${words}`;
  const seed = deriveKey(toUtf8(text), new Uint8Array(), toUtf8("peer-invite-1"), SCALAR_SEED_LENGTH);
  return { text, lookupHash: lookupHash("invite", toUtf8(number)), password: scalarOf(seed) };
}
