/** `peer pieces`: a map of a torrent's pieces, and the blocks under way. */
import { EXIT, type ExitCode } from "../failure.ts";
import { namedTorrent } from "./named_torrents.ts";
import type { Style } from "./paint.ts";
import { type Page, pageHere, printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { PiecesView } from "../../api/shapes.ts";
import { type Column, tableLines } from "./table.ts";

/** The most columns and lines of the map. */
const MAP = { columns: 100, lines: 12 };

/** The states of a piece, in the order in which one counts for several pieces that share a place on the map. */
const PIECE_STATES = [
  { name: "on the way", mark: "▒", style: "yellow" },
  { name: "at no connected peer", mark: "!", style: "red" },
  { name: "to come", mark: "░", style: undefined },
  { name: "stored", mark: "█", style: "green" },
  { name: "not wanted", mark: "·", style: "dim" },
] as const satisfies readonly { name: string; mark: string; style: Style | undefined }[];

const ON_THE_WAY = 0, NOWHERE = 1, TO_COME = 2, STORED = 3, NOT_WANTED = 4;

/** Shows the pieces of a torrent. */
export async function pieces(remote: Remote, word: string, { json }: RemoteOptions): Promise<ExitCode> {
  const torrent = namedTorrent(word, await torrentsOf(remote));
  const view = await remote.get(`/torrents/${torrent.infoHash}/pieces`) as unknown as PiecesView;
  printResult(json, view, () => pieceLines(view, torrent.pieces, pageHere()));
  return EXIT.ok;
}

/** The map of `count` pieces, how many are in each state, and the pieces under way. */
export function pieceLines(view: PiecesView, count: number, page: Page): string[] {
  if (count === 0) return ["the pieces are not known yet: the torrent is still fetched from other peers"];
  const states = statesOf(view, count);
  const columns = Math.min(page.width, MAP.columns);
  const perMark = Math.ceil(count / (columns * MAP.lines));
  const marks: string[] = [];
  for (let first = 0; first < count; first += perMark) {
    const { mark, style } = PIECE_STATES[Math.min(...states.subarray(first, first + perMark))];
    marks.push(page.paint(mark, style));
  }
  const lines: string[] = [];
  for (let first = 0; first < marks.length; first += columns) {
    lines.push(marks.slice(first, first + columns).join(""));
  }
  const counts = PIECE_STATES.map(() => 0);
  for (const state of states) counts[state]++;
  const legend = PIECE_STATES.flatMap(({ name, mark, style }, state) =>
    counts[state] === 0 ? [] : [`${page.paint(mark, style)} ${counts[state]} ${name}`]
  );
  const scale = perMark === 1 ? `${count} pieces` : `${count} pieces, ${perMark} to a mark`;
  lines.push(`${scale}: ${legend.join(", ")}`);
  const rarest = rarestText(states, view.availability);
  if (rarest !== undefined) lines.push(rarest);
  if (view.active.length > 0) lines.push("", ...tableLines(ACTIVE_COLUMNS, view.active, page));
  return lines;
}

/** The state of each piece, as a position in `PIECE_STATES`. */
function statesOf({ have, wanted, availability, active }: PiecesView, count: number): Uint8Array {
  const [stored, wishes] = [Uint8Array.fromBase64(have), Uint8Array.fromBase64(wanted)];
  const states = new Uint8Array(count).map((_, index) =>
    hasBit(stored, index)
      ? STORED
      : !hasBit(wishes, index)
      ? NOT_WANTED
      : (availability[index] ?? 0) === 0
      ? NOWHERE
      : TO_COME
  );
  for (const { index } of active) states[index] = ON_THE_WAY;
  return states;
}

function hasBit(bytes: Uint8Array, index: number): boolean {
  return (bytes[index >> 3] & (0x80 >> (index & 7))) !== 0;
}

/** How many copies there are of the piece that the fewest connected peers have; undefined where nothing is lacking. */
function rarestText(states: Uint8Array, availability: readonly number[]): string | undefined {
  let [fewest, pieces] = [Infinity, 0];
  states.forEach((state, index) => {
    if (state === STORED || state === NOT_WANTED) return;
    const copies = availability[index] ?? 0;
    if (copies < fewest) [fewest, pieces] = [copies, 0];
    if (copies === fewest) pieces++;
  });
  if (fewest === Infinity) return undefined;
  const those = pieces === 1 ? "1 lacking piece" : `${pieces} lacking pieces`;
  return `rarest: ${those} with ${fewest === 1 ? "1 copy" : `${fewest} copies`} at the connected peers`;
}

const ACTIVE_COLUMNS: readonly Column<PiecesView["active"][number]>[] = [
  { title: "PIECE", text: ({ index }) => String(index), isNumber: true, rank: 0 },
  { title: "BLOCKS", text: ({ done, blocks }) => `${done} of ${blocks}`, isNumber: true, rank: 1 },
  { title: "ASKED OF", text: ({ asked }) => asked.join(", "), isElastic: true, rank: 2 },
  { title: "SENT BY", text: ({ from }) => from.join(", "), isElastic: true, rank: 3 },
];
