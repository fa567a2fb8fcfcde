import { printable } from "../log.ts";

/**
 * A value as JSON on one line. Characters that could do harm in a terminal are escaped, not replaced, so that
 * programs read the original text.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/gu,
    (character) => printable(character) === character ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
