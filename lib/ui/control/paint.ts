/** Colours on a terminal. A colour never stands alone: the same is always said in words. */
import { env } from "node:process";

/** The colours and weights in use, by their codes (ECMA-48, "Select Graphic Rendition"). */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof CODES;

/** Colours of the events that a person looks for first. */
export const EVENT_STYLES: Readonly<Record<string, Style>> = {
  error: "red",
  warning: "yellow",
  complete: "green",
};

/** Gives a text a style, or leaves it as it is. */
export type Paint = (text: string, style: Style | undefined) => string;

/** Leaves every text as it is. */
export const plain: Paint = (text) => text;

const inColour: Paint = (text, style) =>
  style === undefined || text === "" ? text : `\x1b[${CODES[style]}m${text}\x1b[0m`;

/** Paints in colour on a terminal, unless the user has set NO_COLOR; FORCE_COLOR paints everywhere. */
export function paintFor(output: { isTerminal(): boolean }): Paint {
  if (isSet("NO_COLOR")) return plain;
  return isSet("FORCE_COLOR") || isSet("CLICOLOR_FORCE") || output.isTerminal() ? inColour : plain;
}

function isSet(variable: string): boolean {
  const value = env[variable];
  return value !== undefined && value !== "" && value !== "0";
}
