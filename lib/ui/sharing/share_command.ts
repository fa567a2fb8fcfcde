/** `peer share`: shares files and folders from where they lie, and says the code by which others get them. */
import { basename, resolve } from "node:path";
import { messageOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { shareCode } from "../../session/torrent_tools.ts";
import { paintFor, plain } from "../control/paint.ts";
import { follow, type Following, warnOfIgnored } from "../control/hand_over.ts";
import { stateOf } from "../control/remote.ts";
import { refuseTorrent } from "../create_advice.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { formatBytes } from "../number_format.ts";
import { printLine } from "../output.ts";
import { TerminalScreen } from "../progress/terminal_screen.ts";
import { noWorkProgress, WorkBar, WorkLines } from "../progress/work_progress.ts";
import { run, type StartWords } from "../start_command.ts";
import { readNamedTorrent } from "../torrent_arguments.ts";
import { OwnPeer, type PeerHere, RunningPeer } from "./peer_here.ts";

/** Options of `share` beside those of `start`. */
interface ShareOptions {
  readonly hidden?: boolean;
  readonly strong?: boolean;
  /** The torrent of the version before, as the user named it. */
  readonly replaces?: string;
  /** Hosts of the fleet to offer it to, or `all`. */
  readonly to?: readonly string[];
}

/** What was shared, for people and for programs. */
interface Shared {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly length: number;
  readonly files: number;
  readonly code: string;
  readonly magnet: string;
  /** The file or folder, as the user named it. */
  readonly path: string;
}

/** Shares files and folders, each as a torrent of its own. Errors: `Failure`. */
export async function share(
  paths: readonly string[],
  options: ShareOptions,
  words: StartWords,
): Promise<ExitCode> {
  for (const path of paths) await refuseTorrent(path);
  return await run(words, {
    handOver: async (remote, following) => {
      const { process: { pid } } = await stateOf(remote);
      warnOfIgnored(following, pid);
      const shared = await shareAll(paths, options, new RunningPeer(remote), following).catch((error) => {
        if (following.stop.aborted) return [];
        throw error;
      });
      for (const { infoHash, name, isNew } of shared) {
        following.view.event({ event: "handed-over", infoHash, name, isNew, home: following.home, pid });
      }
      if (shared.length > 0) await follow(remote, shared, pid, following);
      return EXIT.ok;
    },
    begin: async (session, _options, following) => {
      await shareAll(paths, options, new OwnPeer(session), following);
    },
  });
}

/** Shares all, or fails. Everything is said before the peer begins: from then on, its bars are at the end of the screen. */
async function shareAll(
  paths: readonly string[],
  options: ShareOptions,
  peer: PeerHere,
  following: Following,
): Promise<(Shared & { readonly isNew: boolean })[]> {
  const { view, options: { progress } } = following;
  const isForPrograms = progress === "json" || progress === "none";
  const replaced = await replacedTorrent(options.replaces, following.home);
  const pieceLength = replaced?.layout.pieceLength;
  const all: (Shared & { readonly share: () => Promise<boolean> })[] = [];
  for (const path of paths) {
    const { share, ...made } = await orFail(
      path,
      () => prepared({ path, pieceLength, isListed: !options.hidden }, peer, following.stop, isForPrograms),
    );
    all.push({ ...made, code: shareCode(made.infoHash, options.strong ?? false), path, share });
  }
  const page = await peer.page();
  const cards = isForPrograms ? [] : await Promise.all(all.map((shared) => cardOf(shared, page)));
  for (const line of cards.flat()) printLine(line);
  const taken: (Shared & { readonly isNew: boolean })[] = [];
  for (const { share, ...shared } of all) {
    const isNew = await orFail(shared.path, share);
    view.event({ event: "shared", ...shared });
    const { to } = options;
    if (to !== undefined) {
      const names = to.includes("all") ? [] : to;
      await orFail("--to", () => peer.offer(shared.infoHash, names, replaced?.infoHash));
    }
    taken.push({ ...shared, isNew });
  }
  return taken;
}

/** Does a part of the work. Errors: `Failure` that names the path. */
async function orFail<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(EXIT.failed, path, messageOf(error), { cause: error });
  }
}

/** The torrent of the version before, as the user names it; undefined without one. */
async function replacedTorrent(torrent: string | undefined, home: string): Promise<Metainfo | undefined> {
  return torrent === undefined ? undefined : (await readNamedTorrent(torrent, home)).metainfo;
}

/** Has the peer read the data, and shows how far that is. */
async function prepared(
  share: Parameters<PeerHere["prepare"]>[0],
  peer: PeerHere,
  stop: AbortSignal,
  isForPrograms: boolean,
): ReturnType<PeerHere["prepare"]> {
  const label = `hashing ${basename(resolve(share.path))}`;
  const progress = isForPrograms
    ? noWorkProgress
    : Deno.stderr.isTerminal()
    ? new WorkBar(label, new TerminalScreen(Deno.stderr))
    : new WorkLines(label);
  try {
    return await peer.prepare(share, (done, total) => progress.update(done, total), stop);
  } finally {
    progress.close();
  }
}

/** What a person needs to get the data elsewhere. */
async function cardOf(
  { name, length, files, code, magnet }: Shared,
  page: string | undefined,
): Promise<string[]> {
  const what = files === 1 ? "" : ` · ${files} files`;
  return [
    printable(`${name} · ${formatBytes(length)}${what}`),
    `  code       ${code}`,
    `  elsewhere  peer get ${code}`,
    `  link       ${magnet}`,
    ...page === undefined ? [] : [`  page       ${page}`],
    ...await qrOf(magnet),
  ];
}

/** The link as a QR code, for telephones; nothing where nobody looks at a terminal. */
async function qrOf(magnet: string): Promise<string[]> {
  if (!Deno.stdout.isTerminal()) return [];
  const { qrLines } = await import("./qr_code.ts");
  return qrLines(magnet, new TerminalScreen(Deno.stdout).columns, paintFor(Deno.stdout) !== plain);
}
