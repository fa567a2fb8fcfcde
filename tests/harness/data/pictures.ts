/** Swarms drawn as strings: one character for each piece or remote peer. Spaces are for the reader only. */
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import type { Candidate, Decision } from "../../../lib/swarm/peers/choker.ts";
import { PiecePicker } from "../../../lib/swarm/download/piece_picker.ts";

/** The pieces marked `#`, as in "##.#". */
export function piecesIn(picture: string): Bitfield {
  const marks = picture.replaceAll(" ", "");
  const pieces = new Bitfield(marks.length);
  for (let index = 0; index < marks.length; index++) if (marks[index] === "#") pieces.add(index);
  return pieces;
}

/** A picker of one who has the pieces of `ours`, and knows remote peers with the pieces of each of `peers`. */
export function pickerOf(ours: string, ...peers: string[]): PiecePicker {
  const stored = piecesIn(ours);
  const picker = new PiecePicker(Bitfield.full(stored.length).without(stored));
  for (const peer of peers) for (const index of piecesIn(peer)) picker.peerHas(index);
  return picker;
}

/** Candidates, numbered from 1: a digit is the rate of an old one, a letter (`a` for 0, `b` for 1, …) of a newcomer. */
export function candidatesIn(picture: string): Candidate[] {
  return Array.from(picture.replaceAll(" ", ""), (mark, position) => ({
    number: position + 1,
    rate: "abcdefghij".includes(mark) ? mark.charCodeAt(0) - 97 : Number(mark),
    isNewcomer: "abcdefghij".includes(mark),
  }));
}

/** Who of `count` candidates got a place: `F` as one of the fastest, `C` by chance, `P` as the place was free, `.` none. */
export function drawDecisions(decisions: readonly Decision[], count: number): string {
  const marks = { "fastest": "F", "by chance": "C", "free place": "P" };
  const drawing = new Array<string>(count).fill(".");
  for (const { number, reason } of decisions) drawing[number - 1] = marks[reason];
  return drawing.join("");
}
