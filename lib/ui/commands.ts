/** The commands that need no session: one short function each. They return the exit code or throw `Failure`. */
import { join, resolve } from "node:path";
import { messageOf, MetainfoError, StorageError } from "../errors.ts";
import { printable } from "../log.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import {
  announceWarnings,
  askTrackers,
  type CheckReport,
  checkTorrent,
  createTorrent,
  describeTorrent,
  editAnnounce,
  type MagnetDescription,
  magnetWarnings,
  ownAnnounceUrl,
  type TorrentDescription,
  type TrackerReport,
} from "../session/torrent_tools.ts";
import { announceTiersOf } from "./announce_values.ts";
import { createdRows, loopbackWarning, placeWarning, refuseTorrent } from "./create_advice.ts";
import { EXIT, type ExitCode, Failure } from "./failure.ts";
import { jsonText } from "./json_text.ts";
import { errorWriter, printLine } from "./output.ts";
import { TerminalScreen } from "./progress/terminal_screen.ts";
import { formatBytes } from "./number_format.ts";
import { isMagnet, nearestPathHint, readNamedMagnet, readNamedTorrent } from "./torrent_arguments.ts";
import { noWorkProgress, WorkBar, WorkLines, type WorkProgress } from "./progress/work_progress.ts";

/** Options of every command that shows something. */
interface ShowOptions {
  readonly home: string;
  readonly json?: boolean;
}

/** Options of `info`. */
interface InfoOptions extends ShowOptions {
  /** Whether to ask the trackers how many peers they know. */
  readonly swarm?: boolean;
}

/** Options of `create`. Announce addresses are as typed; the piece length is in bytes. */
interface CreateOptions extends ShowOptions {
  readonly announce?: readonly string[];
  readonly pieceLength?: number;
  readonly private?: boolean;
  readonly comment?: string;
  readonly webSeed?: readonly string[];
  readonly output?: string;
}

/** Makes a `.torrent` of a file or folder. */
export async function create(path: string, options: CreateOptions): Promise<ExitCode> {
  const { json, pieceLength, comment, webSeed, output } = options;
  const announceTiers = options.announce && announceTiersOf(options.announce);
  await refuseTorrent(path);
  const hint = await nearestPathHint(path);
  const home = resolve(options.home);
  const torrent = {
    path,
    home,
    output,
    announceTiers: announceTiers ?? [[ownAnnounceUrl(Deno.networkInterfaces())]],
    pieceLength,
    isPrivate: options.private ?? false,
    comment,
    webSeeds: webSeed,
  };
  const made = await withProgress(
    "hashing",
    json,
    (progress) =>
      orFail(path, () => createTorrent(torrent, (done, total) => progress.update(done, total)), hint),
  );
  const description = describeTorrent(made.metainfo);
  if (json) printLine(jsonText({ ...description, path: made.path }));
  else printTable(createdRows(made.path, description, home));
  const warnings = [
    ...loopbackWarning(description.announce),
    ...await announceWarnings(description.announce),
  ];
  tellWarnings(made.path, [...warnings, ...await placeWarning(path, home)]);
  return EXIT.ok;
}

/** Prints warnings about a torrent on standard error. */
function tellWarnings(what: string, warnings: readonly string[]): void {
  const tell = errorWriter();
  for (const warning of warnings) tell(printable(`peer: ${what}: warning: ${warning}`));
}

/** Changes the announce addresses of a torrent. */
export async function edit(
  torrent: string,
  options: { readonly home: string; readonly announce: readonly string[] },
): Promise<ExitCode> {
  const tiers = announceTiersOf(options.announce);
  const home = resolve(options.home);
  const { path } = await readNamedTorrent(torrent, home);
  const metainfo = await orFail(torrent, () => editAnnounce(path, tiers, home));
  printTable([["Torrent", path], ["Info-hash", metainfo.infoHash], ...announceRows(metainfo.announceTiers)]);
  const { announceTiers } = metainfo;
  tellWarnings(path, [...loopbackWarning(announceTiers), ...await announceWarnings(announceTiers)]);
  return EXIT.ok;
}

/** Shows the contents of a torrent or of a magnet link. */
export async function info(torrent: string, options: InfoOptions): Promise<ExitCode> {
  if (isMagnet(torrent)) {
    const magnet = readNamedMagnet(torrent);
    tellWarnings("magnet link", magnetWarnings(torrent));
    return await show(torrent, magnet, magnetRows(magnet), options);
  }
  const { metainfo } = await readNamedTorrent(torrent, resolve(options.home));
  const description = describeTorrent(metainfo);
  return await show(torrent, description, descriptionRows(description), options);
}

/** Prints a description, and the answers of its trackers where they are wanted; fails when no tracker answers. */
async function show(
  torrent: string,
  described: TorrentDescription | MagnetDescription,
  rows: readonly Row[],
  { json, swarm }: InfoOptions,
): Promise<ExitCode> {
  const reports = swarm ? await askTrackers(described) : undefined;
  if (json) printLine(jsonText(reports === undefined ? described : { ...described, swarm: reports }));
  else printTable([...rows, ...(reports ?? []).map(trackerRow)]);
  if (reports !== undefined && reports.length > 0 && reports.every(({ error }) => error !== null)) {
    throw new Failure(EXIT.failed, torrent, "Expected an answer of a tracker, got none");
  }
  return EXIT.ok;
}

/** Hashes a torrent's data and reports which pieces are good; fails unless all are. */
export async function check(torrent: string, options: ShowOptions): Promise<ExitCode> {
  const home = resolve(options.home);
  const { metainfo } = await readNamedTorrent(torrent, home);
  const report = await withProgress(
    "checking",
    options.json,
    (progress) =>
      orFail(torrent, () => checkTorrent(metainfo, home, (done, total) => progress.update(done, total))),
  );
  if (options.json) printLine(jsonText(report));
  else printTable([["Name", metainfo.name], ...reportRows(report)]);
  const [wrong] = report.wrongSizes ?? [];
  if (report.good === report.pieces && wrong !== undefined) {
    throw new Failure(EXIT.failed, torrent, await wrongSizeText(metainfo, home, wrong));
  }
  if (!report.complete) {
    throw new Failure(EXIT.failed, torrent, `Expected ${report.pieces} good pieces, got ${report.good}`);
  }
  return EXIT.ok;
}

/** Turns errors of torrents, files and disks into failures of the command; `hint` advises about disks. */
async function orFail<Result>(what: string, work: () => Promise<Result>, hint = ""): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MetainfoError) {
      throw new Failure(EXIT.badInput, what, error.message, { cause: error });
    }
    const isSystemError = error instanceof Error && "code" in error;
    if (error instanceof StorageError || isSystemError) {
      throw new Failure(EXIT.failed, what, messageOf(error) + hint, { cause: error });
    }
    throw error;
  }
}

/** Runs work and shows its progress on standard error, except where the command prints JSON. */
async function withProgress<Result>(
  label: string,
  json: boolean | undefined,
  work: (progress: WorkProgress) => Promise<Result>,
): Promise<Result> {
  const progress = json
    ? noWorkProgress
    : Deno.stderr.isTerminal()
    ? new WorkBar(label, new TerminalScreen(Deno.stderr))
    : new WorkLines(label);
  try {
    return await work(progress);
  } finally {
    progress.close();
  }
}

/** Names shown of a long list. */
const LISTED = 10;

type Row = readonly [title: string, text: string];

/** Prints titles and texts in two columns. Texts come from torrents, so control characters are replaced. */
function printTable(rows: readonly Row[]): void {
  const width = rows.reduce((widest, [title]) => Math.max(widest, title.length), 0) + 2;
  for (const [title, text] of rows) printLine(title.padEnd(width) + printable(text));
}

function descriptionRows(torrent: TorrentDescription): Row[] {
  const { name, infoHash, infoHashV2, length, pieceLength, pieces, webSeeds, httpSeeds = [], comment } =
    torrent;
  return [
    ["Name", name],
    ["Info-hash", infoHash],
    ...optionalRow("Info-hash v2", infoHashV2 ?? ""),
    ["Size", `${formatBytes(length)} (${length} bytes)`],
    ["Pieces", `${pieces} of ${formatBytes(pieceLength)}`],
    ["Private", torrent.private ? "yes" : "no"],
    ...announceRows(torrent.announce),
    ...webSeeds.map((url): Row => ["Web seed", url]),
    ...httpSeeds.map((url): Row => ["HTTP seed", url]),
    ...optionalRow("Comment", comment),
    ...optionalRow("Created by", torrent.createdBy),
    ...optionalRow("Created", torrent.creationDate ?? ""),
    ...torrent.files.map(({ path, length }): Row => ["File", `${path} (${formatBytes(length)})`]),
    ["Magnet", torrent.magnet],
    ...optionalRow("Code", torrent.code ?? ""),
  ];
}

function magnetRows({ name, infoHash, announce, webSeeds, peers, selectOnly }: MagnetDescription): Row[] {
  const files = selectOnly.map(({ first, last }) => first === last ? `${first}` : `${first}-${last}`);
  return [
    ...optionalRow("Name", name),
    ["Info-hash", infoHash],
    ...announceRows(announce),
    ...webSeeds.map((url): Row => ["Web seed", url]),
    ...peers.map((peer): Row => ["Peer", peer]),
    ...optionalRow("Files", files.join(", ")),
  ];
}

function trackerRow({ announce, complete, incomplete, error }: TrackerReport): Row {
  const { host, protocol } = new URL(announce);
  const found = error ?? `${complete} with all data, ${incomplete} without`;
  return ["Swarm", `${protocol}//${host}: ${found}`];
}

function optionalRow(title: string, text: string): Row[] {
  return text === "" ? [] : [[title, text]];
}

function announceRows(tiers: readonly (readonly string[])[]): Row[] {
  return tiers.map((tier) => ["Announce", tier.join(", ")]);
}

/** Says what is wrong with the size of a file at `path` below `home`; an empty one may lack. */
async function wrongSizeText({ files }: Metainfo, home: string, path: string): Promise<string> {
  const length = files.find((file) => path.endsWith(`/${file.path.join("/")}`))?.length ?? 0;
  const size = await Deno.stat(join(home, path)).then(({ size }) => size, () => undefined);
  if (size !== undefined) return `Expected ${length} bytes in ${path}, got ${size}`;
  return `Expected an empty file at ${path}, got none; start makes it, or make it yourself`;
}

function reportRows({ infoHash, pieces, good, bad, missing, wrongSizes = [], complete }: CheckReport): Row[] {
  return [
    ["Info-hash", infoHash],
    ["Pieces", String(pieces)],
    ["Good", String(good)],
    ["Bad", rangesText(bad)],
    ["Missing", rangesText(missing)],
    ...optionalRow("Wrong size, or missing", listText(wrongSizes)),
    ["Complete", complete ? "yes" : "no"],
  ];
}

/** `3 (a, b, c)`: how many there are and which, or the first of them; empty for none. */
function listText(texts: readonly string[]): string {
  if (texts.length === 0) return "";
  const shown = texts.slice(0, LISTED);
  return `${texts.length} (${shown.join(", ")}${shown.length < texts.length ? ", …" : ""})`;
}

/** `5 (0, 7-10)`: the number of the indices, and their ranges. */
function rangesText(indices: readonly number[]): string {
  if (indices.length === 0) return "0";
  const ranges: string[] = [];
  for (let first = 0, last = 0; first < indices.length; first = ++last) {
    while (indices[last + 1] === indices[last] + 1) last++;
    ranges.push(first === last ? `${indices[first]}` : `${indices[first]}-${indices[last]}`);
  }
  return `${indices.length} (${ranges.join(", ")})`;
}
