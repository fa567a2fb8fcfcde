/** Draws the screen of a terminal as SVG. */

/** Sizes in pixels: of a character, of a line, and around the text. */
const COLUMN = 8.4;
const LINE = 18;
const MARGIN = 16;

const GROUND = "#16181d";
const TEXT = "#d6dae0";
/** Colours by their codes (ECMA-48, "Select Graphic Rendition"). */
const COLOURS: Readonly<Record<number, string>> = {
  31: "#ff6b6b",
  32: "#5fd787",
  33: "#ffd166",
  36: "#5ac8e0",
};

/** Draws lines of text with sequences of colours, as tmux captures them, on a terminal of so many columns. */
export function terminalSvg(screen: string, columns: number): string {
  const lines = screen.trimEnd().split("\n");
  const width = Math.ceil(columns * COLUMN + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const texts = lines.map((line, row) => lineSvg(line, MARGIN + row * LINE + 13)).filter((text) =>
    text !== ""
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>`,
    `<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${TEXT}">`,
    ...texts,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** One line; each run of one style stands at its own column, whatever the font. */
function lineSvg(line: string, y: number): string {
  let column = 0;
  let style = "";
  let svg = "";
  // deno-lint-ignore no-control-regex
  for (const [token, codes] of line.matchAll(/\x1b\[([\d;]*)m|[^\x1b]+/g)) {
    if (codes !== undefined) {
      style = styleOf(codes.split(";").map(Number), style);
      continue;
    }
    const x = (MARGIN + column * COLUMN).toFixed(1);
    const length = (token.length * COLUMN).toFixed(1);
    column += token.length;
    if (token.trim() === "") continue;
    svg += `<text x="${x}" y="${y}" textLength="${length}" xml:space="preserve"${style}>${
      escaped(token)
    }</text>`;
  }
  return svg;
}

function styleOf(codes: readonly number[], before: string): string {
  let style = before;
  for (const code of codes) {
    if (code === 0) style = "";
    else if (code === 39) style = style.replace(/ fill="[^"]*"/, "");
    else if (code === 1) style += ' font-weight="bold"';
    else if (code === 2) style += ' opacity="0.55"';
    else if (COLOURS[code] !== undefined) style += ` fill="${COLOURS[code]}"`;
  }
  return style;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
