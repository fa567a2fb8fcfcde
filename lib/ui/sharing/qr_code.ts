import { renderUnicodeCompact } from "uqr";

/** Modules of white around the code (ISO/IEC 18004 wants four; readers get along with two). */
const BORDER = 2;
/** Black on white whatever the terminal's colours are: readers do not take every code in reverse. */
const COLOURS = ["\x1b[97;40m", "\x1b[0m"] as const;

/** A QR code in half blocks, two modules a character; no lines where the terminal has too few columns. */
export function qrLines(text: string, columns: number, isColoured: boolean): string[] {
  const lines = renderUnicodeCompact(text, { border: BORDER, ecc: "L" }).split("\n");
  if (lines.some((line) => line.length > columns)) return [];
  return isColoured ? lines.map((line) => COLOURS.join(line)) : lines;
}
