/** Cuts text to the columns of a terminal. */
import { eastAsianWidth } from "get-east-asian-width";
import type { Waiting } from "../swarm/ports.ts";
import { formatDuration } from "./number_format.ts";

/**
 * Text whose characters take a column each: Latin, Greek and Cyrillic letters, dashes, quotes, arrows, blocks. It needs
 * no look at each character, for which the tables of Unicode would have to be loaded.
 */
const PLAIN =
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0373\u0384-\u0482\u048a-\u052f\u2013-\u201d\u2026\u2190-\u2193\u2580-\u259f]*$/;

/** The segmenter of grapheme clusters, which takes a while to make. */
let segmenter: Intl.Segmenter | undefined;

/** The characters of a text as people see them. */
function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}

/** A sentence with the reason why no data comes, and the time until the next try. */
export function formatWaiting({ reason, nextTryInMs }: Waiting): string {
  return nextTryInMs === undefined
    ? reason
    : `${reason}, next try ${nextTryInMs < 1000 ? "now" : `in ${formatDuration(nextTryInMs / 1000)}`}`;
}

/** The number of columns that a text takes in a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmentsOf(text.replaceAll(COLOUR, ""))) width += clusterWidth(segment);
  return width;
}

/** Sequences that colour text (ECMA-48, 8.3.117), which take no column. */
// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[\d;]*m/g;

/** Sets of characters, which take 10 ms to make, also as literals that are only read. */
let sets: { readonly invisible: RegExp; readonly invisibleStart: RegExp; readonly emoji: RegExp } | undefined;

function setsOfCharacters(): NonNullable<typeof sets> {
  const unseen = String.raw`\p{Default_Ignorable_Code_Point}\p{Control}\p{Mark}\p{Surrogate}`;
  return sets ??= {
    invisible: new RegExp(`^[${unseen}]+$`, "v"),
    invisibleStart: new RegExp(`^[${unseen}\\p{Format}]+`, "v"),
    emoji: new RegExp("^\\p{RGI_Emoji}$", "v"),
  };
}

/** The columns of one character as people see it: those of its first visible code point (UAX 11), two for an emoji. */
function clusterWidth(cluster: string): number {
  const { invisible, invisibleStart, emoji } = setsOfCharacters();
  if (invisible.test(cluster)) return 0;
  if (emoji.test(cluster)) return 2;
  const codePoint = cluster.replace(invisibleStart, "").codePointAt(0);
  // A sound mark of half width, as in ｶﾞ, takes a column of its own.
  const marks = [...cluster.slice(1)].filter((character) => character >= "\uff00" && character <= "\uffef");
  return [codePoint, ...marks.map((mark) => mark.codePointAt(0))]
    .reduce<number>((sum, each) => sum + (each === undefined ? 0 : eastAsianWidth(each)), 0);
}

/** The number of rows that a line takes on a terminal of `columns` columns, which wraps it between characters. */
export function rowsOf(line: string, columns: number): number {
  if (widthOf(line) <= columns) return 1;
  let [rows, column] = [1, 0];
  for (const { segment } of segmentsOf(line.replaceAll(COLOUR, ""))) {
    const width = widthOf(segment);
    if (column + width > columns) [rows, column] = [rows + 1, 0];
    column += width;
  }
  return rows;
}

/** A text of at most `width` columns; `…` stands for the part that is cut off. */
export function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return "";
  let cut = "";
  let room = width - 1;
  for (const { segment } of segmentsOf(text)) {
    room -= widthOf(segment);
    if (room < 0) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** A text as at most `maxLines` lines of at most `width` columns, broken between words; longer words are cut. */
export function wrapToWidth(text: string, width: number, maxLines: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    const isFull = last !== undefined && widthOf(longer) > width && lines.length < maxLines;
    if (isFull) lines.push(word);
    else lines[Math.max(0, lines.length - 1)] = longer;
  }
  return lines.map((line) => cutToWidth(line, width));
}

/** A text of exactly `width` columns, cut or filled with blanks on the right. */
export function fitToWidth(text: string, width: number): string {
  const cut = cutToWidth(text, width);
  return cut + " ".repeat(Math.max(0, width - widthOf(cut)));
}
