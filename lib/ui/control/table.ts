/** Tables that fit the terminal. */
import { printable } from "../../log.ts";
import { cutToWidth, fitToWidth, widthOf, wrapToWidth } from "../text_format.ts";
import type { Paint, Style } from "./paint.ts";

/** One column of a table whose rows show items. */
export interface Column<Item> {
  readonly title: string;
  /** The text of a cell; the table takes control characters out of it. */
  readonly text: (item: Item) => string;
  readonly style?: (item: Item) => Style | undefined;
  readonly isNumber?: boolean;
  /** Columns of a high rank are left out first where the terminal is narrow. */
  readonly rank: number;
  /** Whether it is cut, and gets the width that the others leave. */
  readonly isElastic?: boolean;
}

/** How a table is drawn. */
interface Drawing<Item> {
  /** Columns of the terminal; `Infinity` where there is none, and then nothing is cut or left out for want of room. */
  readonly width: number;
  readonly paint: Paint;
  /** A sentence that stands below the row of an item. */
  readonly below?: (item: Item) => { readonly text: string; readonly style?: Style } | undefined;
}

/** Blanks between two columns. */
const GAP = 2;
/** An elastic column is as wide as its texts, but may be cut down to this. */
const MIN_ELASTIC_WIDTH = 16;
/** The beginning of each line below a row. */
const INDENT = "    ";
/** The most lines of one sentence below a row. */
const MAX_LINES_BELOW = 3;

/** A column with its texts, and its width in columns of the terminal. */
interface Laid<Item> {
  readonly column: Column<Item>;
  readonly texts: readonly string[];
  readonly natural: number;
  width: number;
}

/** The lines of a table: titles, and a line for each item. Columns in which every cell is empty are left out. */
export function tableLines<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  { width, paint, below }: Drawing<Item>,
): string[] {
  const laid = fitColumns(columns.map((column) => layOut(column, items)), width);
  const titles = laid.map(({ column, width }) => cell(column.title, width, column.isNumber));
  const lines = [paint(joined(titles), "bold")];
  items.forEach((item, row) => {
    const cells = laid.map(({ column, texts, width }) =>
      paint(cell(texts[row], width, column.isNumber), column.style?.(item))
    );
    lines.push(joined(cells));
    const sentence = below?.(item);
    if (sentence === undefined) return;
    const room = Math.max(1, width - INDENT.length);
    for (const line of wrapToWidth(printable(sentence.text), room, MAX_LINES_BELOW)) {
      lines.push(INDENT + paint(line, sentence.style));
    }
  });
  return lines;
}

function layOut<Item>(column: Column<Item>, items: readonly Item[]): Laid<Item> {
  const texts = items.map((item) => printable(column.text(item)));
  const isEmpty = texts.every((text) => text === "");
  const natural = isEmpty
    ? 0
    : texts.reduce((most, text) => Math.max(most, widthOf(text)), widthOf(column.title));
  return { column, texts, natural, width: natural };
}

/** The columns that have room, in their order, with their widths. */
function fitColumns<Item>(all: readonly Laid<Item>[], width: number): Laid<Item>[] {
  const leastOf = ({ column, natural }: Laid<Item>) =>
    column.isElastic ? Math.min(natural, MIN_ELASTIC_WIDTH) : natural;
  const kept = new Set<Laid<Item>>();
  let room = width + GAP;
  for (const laid of all.filter(({ natural }) => natural > 0).sort((a, b) => a.column.rank - b.column.rank)) {
    const needed = leastOf(laid) + GAP;
    if (needed > room && kept.size > 0) break;
    room -= needed;
    laid.width = leastOf(laid);
    kept.add(laid);
  }
  for (const laid of kept) {
    const more = Math.max(0, Math.min(laid.natural - laid.width, room));
    laid.width += more;
    room -= more;
  }
  return all.filter((laid) => kept.has(laid));
}

function cell(text: string, width: number, isNumber = false): string {
  return isNumber
    ? " ".repeat(Math.max(0, width - widthOf(text))) + cutToWidth(text, width)
    : fitToWidth(text, width);
}

/** The cells of a row; blanks at its end would only be in the way. */
function joined(cells: readonly string[]): string {
  return cells.join(" ".repeat(GAP)).trimEnd();
}
