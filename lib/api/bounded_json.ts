/** JSON from a client that may be hostile: measured before it is parsed. */

/** What a body may hold. */
interface JsonLimits {
  readonly maxDepth: number;
  /** Values, those within lists and objects among them. */
  readonly maxValues: number;
}

/** Quotes, brackets and commas: everything that begins, ends or separates values, and strings, which may hold them. */
const MARKS = /["[\]{},]/g;

/**
 * Parses a text. The parser of the runtime takes seconds for brackets that are nested a million times, so the depth and
 * the number of values are found out before. Errors: `RangeError` beyond the limits; `SyntaxError` for what is no JSON.
 */
export function parseBoundedJson(text: string, { maxDepth, maxValues }: JsonLimits): unknown {
  let depth = 0;
  let values = 0;
  MARKS.lastIndex = 0;
  for (let mark = MARKS.exec(text); mark !== null; mark = MARKS.exec(text)) {
    const [character] = mark;
    if (character === '"') MARKS.lastIndex = endOfString(text, mark.index);
    else if (character === "]" || character === "}") depth--;
    else values++;
    if (character === "[" || character === "{") depth++;
    if (depth > maxDepth) throw new RangeError(`Expected JSON at most ${maxDepth} deep, got more`);
    if (values > maxValues) throw new RangeError(`Expected at most ${maxValues} values, got more`);
  }
  return JSON.parse(text);
}

/** The index behind the quote that ends the string that begins at `start`; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1;; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}
