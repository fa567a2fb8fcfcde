/** Guesses the name that a user meant to type. */
import { editDistance } from "../protocol/edit_distance.ts";

/** The most candidates compared: more names than a person sees in a folder. */
const MAX_CANDIDATES = 1_000;
/** The most letters of a name compared. */
const MAX_LETTERS = 64;

/** The fewest letters with which the beginning of a name stands for the whole name. */
const MIN_BEGINNING = 3;

/** The candidate nearest to the typed word, upper and lower case being the same; undefined where none is near. */
export function nearest(typed: string, candidates: Iterable<string>): string | undefined {
  const wanted = folded(typed);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(stemOf(wanted).length / 3)) + 1;
  let left = MAX_CANDIDATES;
  for (const candidate of candidates) {
    if (left-- === 0) break;
    const name = folded(candidate);
    const isBeginning = wanted.length >= MIN_BEGINNING && name.startsWith(wanted);
    const distance = isBeginning
      ? 1
      : Math.min(editDistance(wanted, name), editDistance(wanted, stemOf(name)) + 0.5);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** The end of a sentence, `; did you mean NAME?`; empty where no candidate is near. */
export function didYouMean(typed: string, candidates: Iterable<string>): string {
  const name = nearest(typed, candidates);
  return name === undefined ? "" : `; did you mean ${name}?`;
}

/** A name without its extension. */
function stemOf(name: string): string {
  return name.replace(/\.[^.]+$/, "");
}

function folded(text: string): string {
  return text.normalize("NFC").toLowerCase().slice(0, MAX_LETTERS);
}
