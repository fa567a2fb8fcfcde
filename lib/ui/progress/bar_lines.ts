/** Turns snapshots into the lines that `LiveLines` draws: one for each torrent, and below it one for each peer. */
import { printable } from "../../log.ts";
import type { RemotePeerSnapshot, SwarmSnapshot } from "../../swarm/ports.ts";
import type { ShownSwarm } from "./progress_view.ts";
import { type Paint, plain, type Style } from "../control/paint.ts";
import { formatDuration, formatRate, percentOf } from "../number_format.ts";
import { roomText } from "./room_text.ts";
import { cutToWidth, fitToWidth, formatWaiting, widthOf, wrapToWidth } from "../text_format.ts";

const MIN_BAR_WIDTH = 8;
/** Columns of the widest bar. */
const MAX_BAR_WIDTH = 40;
/** The most columns of a label and its bar together: such a line with its numbers takes two rows of 80 columns. */
const MAX_LABEL_AND_BAR_WIDTH = 96;

/** The beginning of each line about the room, or with the reason why a torrent waits. */
const DETAIL_INDENT = "  ";
/** The most lines that the reason takes. */
const MAX_WAITING_LINES = 4;

/** A short text beside the bar. */
interface Cell {
  readonly text: string;
  /** Columns, so that the cells of several lines stand in a column. */
  readonly width: number;
  /** Cells of a high rank are left out first where the line is narrow. */
  readonly rank: number;
}

/** One line with a label, a bar and cells. A line without `cells` consists of its label alone. */
export interface BarLine {
  readonly label: string;
  /** Columns for the label when cells are chosen; later it may get more. */
  readonly labelWidth: number;
  readonly value: number;
  readonly total: number;
  readonly cells: readonly Cell[];
  /** Rank of the bar among the cells. */
  readonly barRank: number;
  /** The colour of the bar, or of a line that is only text. */
  readonly style?: Style | undefined;
}

/**
 * Lines as texts of at most `width` columns. All labels take the columns of the longest one and no more, so that a
 * terminal that becomes narrower has little to wrap.
 */
export function renderBarLines(lines: readonly BarLine[], width: number, paint: Paint = plain): string[] {
  const longest = lines.filter(({ cells }) => cells.length > 0)
    .reduce((most, line) => Math.max(most, line.labelWidth, widthOf(printable(line.label))), 0);
  return lines.map((line) => renderBarLine(line, width, longest, paint));
}

function renderBarLine(line: BarLine, width: number, longestLabel: number, paint: Paint): string {
  const label = printable(line.label);
  if (line.cells.length === 0) return paint(cutToWidth(label, width), line.style);
  const bar = { text: "", width: MIN_BAR_WIDTH, rank: line.barRank };
  let room = width - line.labelWidth;
  const kept = new Set<Cell>();
  for (const cell of [bar, ...line.cells].sort((a, b) => a.rank - b.rank)) {
    if (room < cell.width + 1) break;
    room -= cell.width + 1;
    kept.add(cell);
  }
  const barRoom = kept.has(bar) ? MIN_BAR_WIDTH + Math.min(room, MAX_BAR_WIDTH - MIN_BAR_WIDTH) : 0;
  const labelRoom = Math.min(width, line.labelWidth + room - Math.max(0, barRoom - MIN_BAR_WIDTH));
  const needed = kept.has(bar) ? Math.min(longestLabel, MAX_LABEL_AND_BAR_WIDTH - MIN_BAR_WIDTH) : labelRoom;
  const labelWidth = Math.max(0, Math.min(labelRoom, needed));
  const parts = [fitToWidth(label, labelWidth)];
  if (kept.has(bar)) {
    parts.push(drawBar(line, Math.min(barRoom, MAX_LABEL_AND_BAR_WIDTH - labelWidth), paint));
  }
  for (const cell of line.cells) {
    if (kept.has(cell)) parts.push(fitToWidth(printable(cell.text), cell.width));
  }
  return parts.join(" ").trimEnd();
}

function drawBar({ value, total, style }: BarLine, columns: number, paint: Paint): string {
  const done = Math.round(columns * Math.min(1, total === 0 ? 1 : value / total));
  return paint("█".repeat(done), style) + paint("░".repeat(columns - done), "dim");
}

/** With fewer lines there are none for the totals. */
const MIN_LINES_FOR_TOTALS = 6;
/** Idle torrents that are shown one by one: of more, one line tells how many they are. */
const MAX_IDLE = 3;

/** The lines for all swarms, at most `maxLines`. Of several, the first line tells the totals, and the last the idle ones. */
export function swarmLines(
  all: readonly ShownSwarm[],
  maxLines: number,
  columns = Infinity,
): BarLine[] {
  if (all.length < 2 || maxLines < MIN_LINES_FOR_TOTALS) return torrentLines(all, maxLines, columns);
  const idle = all.filter(isIdle);
  const isFolded = idle.length > MAX_IDLE;
  const shown = isFolded ? all.filter((snapshot) => !isIdle(snapshot)) : all;
  const folded = isFolded ? [textLine(`+${idle.length} idle: ${countsText(idle)}`, "dim")] : [];
  return [totalsLine(all), ...torrentLines(shown, maxLines - 1 - folded.length, columns), ...folded];
}

/** Whether nothing happens with a torrent and nobody is missed: it is done, or rests as its user wants. */
function isIdle({ finished, state, failure, downloadRate, uploadRate, room }: ShownSwarm): boolean {
  const isQuiet = failure === undefined && downloadRate === 0 && uploadRate === 0;
  return isQuiet && (finished || state === "paused") && (room === undefined || room.done === room.hosts);
}

function totalsLine(snapshots: readonly ShownSwarm[]): BarLine {
  const sum = (value: (snapshot: ShownSwarm) => number) =>
    snapshots.reduce((sum, each) => sum + value(each), 0);
  const down = formatRate(sum(({ downloadRate }) => downloadRate));
  const up = formatRate(sum(({ uploadRate }) => uploadRate));
  const peers = peersText(sum(({ connections }) => connections));
  return textLine(
    `${snapshots.length} torrents: ${countsText(snapshots)}  ↓${down} ↑${up}  ${peers}`,
    "bold",
  );
}

/** How many of the torrents are in which state, such as "2 downloading, 1 done". */
function countsText(snapshots: readonly ShownSwarm[]): string {
  const counts = new Map<string, number>();
  for (const { failure, state, finished } of snapshots) {
    const word = failure !== undefined ? "failed" : state !== "paused" && finished ? "done" : state;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return Array.from(counts, ([word, count]) => `${count} ${word}`).join(", ");
}

/**
 * The lines for these swarms, at most `maxLines`. Torrents come first, then their rooms and the reasons why they wait, in
 * lines of `columns` columns. Peers share the lines that are left: first those that exchange data with us, and "+N more" stands
 * for the others.
 */
function torrentLines(snapshots: readonly ShownSwarm[], maxLines: number, columns: number): BarLine[] {
  const shown = fitCount(snapshots.length, maxLines);
  let left = maxLines - shown - (shown < snapshots.length ? 1 : 0);
  const lines: BarLine[] = [];
  snapshots.slice(0, shown).forEach((snapshot, position) => {
    const share = Math.floor(left / (shown - position));
    const room = roomLines(snapshot, share);
    const waiting = waitingLines(snapshot, share - room.length, columns);
    const details = [...room, ...peerLines(snapshot, share - room.length - waiting.length), ...waiting];
    left -= details.length;
    lines.push(torrentLine(snapshot), ...details);
  });
  if (shown < snapshots.length) lines.push(textLine(`+${snapshots.length - shown} more torrents`));
  return lines.slice(0, maxLines);
}

/** The number of lines to show of `count` in `room` lines; where not all fit, one line must say that there are more. */
function fitCount(count: number, room: number): number {
  return count <= room ? count : Math.max(0, room - 1);
}

/** The lines with the reason why a torrent waits, which stand below its peers. */
function waitingLines({ waiting }: SwarmSnapshot, room: number, columns: number): BarLine[] {
  if (waiting === undefined || room < 1) return [];
  const text = printable(formatWaiting(waiting));
  const width = Math.max(1, columns - DETAIL_INDENT.length);
  const lines = wrapToWidth(text, width, Math.min(room, MAX_WAITING_LINES));
  return lines.map((line) => textLine(DETAIL_INDENT + line, "yellow"));
}

/** The line that says whether everybody is done; none in a room of two, where the bars say it. */
function roomLines({ room }: ShownSwarm, lines: number): BarLine[] {
  if (room === undefined || room.hosts < 3 || lines < 1) return [];
  const { hosts, done, slow, gone, lastInS } = room;
  const others = [slow > 0 && `${slow} slow`, gone > 0 && `${gone} gone`].filter(Boolean).join(", ");
  const text = roomText(hosts, done, lastInS);
  return [
    textLine(
      `${DETAIL_INDENT}${text}${others === "" ? "" : ` (${others}: peer hosts)`}`,
      done === hosts ? "green" : "bold",
    ),
  ];
}

function peerLines({ peers, pieces, finished, names }: ShownSwarm, room: number): BarLine[] {
  const shown = fitCount(peers.length, room);
  const known = shown > 0 ? names?.() : undefined;
  const nameOf = ({ endpoint }: RemotePeerSnapshot) => known?.get(endpoint) ?? endpoint;
  const isAside = (peer: RemotePeerSnapshot) => Number(!peer.isDownloadSource && !peer.isUploadSlot);
  const lines = [...peers]
    .sort((a, b) => isAside(a) - isAside(b) || (nameOf(a) < nameOf(b) ? -1 : 1))
    .slice(0, shown)
    .map((peer) => peerLine(peer, nameOf(peer), pieces, finished));
  if (shown < peers.length && room > 0) lines.push(textLine(`    +${peers.length - shown} more`));
  return lines;
}

function torrentLine(snapshot: SwarmSnapshot): BarLine {
  const { name, pieces, have, missing, checked, failure, seeding, finished } = snapshot;
  const { connections, downloadRate, uploadRate } = snapshot;
  if (failure !== undefined) return textLine(`${name}: failed: ${failure}`, "red");
  if (snapshot.state === "paused") return textLine(`${name}: paused`, "dim");
  if (snapshot.lacksMetadata) return textLine(`${name}: fetching metadata, ${peersText(connections)}`);
  const total = checked === undefined ? have + missing : pieces;
  const style: Style = checked !== undefined ? "yellow" : finished ? "green" : "cyan";
  const line = { label: name, labelWidth: 14, value: checked ?? have, total, barRank: 3, style };
  const percent = percentCell(line.value, total);
  if (checked !== undefined) return { ...line, cells: [percent, { text: "checking", width: 8, rank: 4 }] };
  const bytesLeft = snapshot.length * missing / Math.max(1, pieces);
  const left = seeding
    ? "seeding"
    : finished
    ? "done"
    : downloadRate > 0
    ? formatDuration(bytesLeft / downloadRate)
    : "-";
  const cells = [
    percent,
    // What is whole takes nothing any more.
    ...finished ? [] : [rateCell("↓", downloadRate, 2)],
    rateCell("↑", uploadRate, finished ? 2 : 5),
    { text: left, width: 7, rank: 4 },
    { text: `${have}/${total}`, width: Math.max(7, 2 * String(pieces).length + 1), rank: 6 },
    { text: peersText(connections), width: 9, rank: 7 },
  ];
  return { ...line, cells };
}

function peersText(connections: number): string {
  return connections === 1 ? "1 peer" : `${connections} peers`;
}

function peerLine(
  peer: RemotePeerSnapshot,
  name: string,
  pieces: number,
  weAreFinished: boolean,
): BarLine {
  const arrows = (peer.isDownloadSource ? "↓" : " ") + (peer.isUploadSlot ? "↑" : " ");
  const isUploading = peer.uploadRate > peer.downloadRate;
  return {
    label: ` ${arrows} ${name}`,
    labelWidth: 22,
    value: peer.have,
    total: pieces,
    barRank: 5,
    style: peer.isSeed ? "green" : "cyan",
    cells: [
      percentCell(peer.have, pieces),
      ...weAreFinished ? [] : [rateCell("↓", peer.downloadRate, isUploading ? 3 : 2)],
      rateCell("↑", peer.uploadRate, isUploading ? 2 : 3),
      { text: peer.client, width: 18, rank: 4 },
    ],
  };
}

/** A line that is only text. */
function textLine(label: string, style?: Style): BarLine {
  return { label, labelWidth: widthOf(label), value: 0, total: 1, cells: [], barRank: 0, style };
}

function percentCell(value: number, total: number): Cell {
  return { text: `${percentOf(value, total)}%`.padStart(4), width: 4, rank: 1 };
}

function rateCell(arrow: string, bytesPerSecond: number, rank: number): Cell {
  return { text: `${arrow}${formatRate(bytesPerSecond)}`, width: 10, rank };
}
