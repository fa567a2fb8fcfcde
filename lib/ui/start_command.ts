import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Api } from "../api/api.ts";
import { HomeInUseError, messageOf, MetainfoError, StorageError } from "../errors.ts";
import { createLogger, type LogLevel } from "../log.ts";
import { inForce } from "../precedence.ts";
import {
  type AddOptions,
  lookOf,
  type Session,
  torrentPaths,
  type TorrentSnapshot,
  type WeeklySpan,
} from "../session/session.ts";
import type { EncryptionPolicy } from "../settings.ts";
import { type Following, handOver, runningPeer } from "./control/hand_over.ts";
import { paintFor } from "./control/paint.ts";
import type { Remote } from "./control/remote.ts";
import { didYouMean } from "./did_you_mean.ts";
import { EXIT, type ExitCode, Failure } from "./failure.ts";
import { JsonProgress } from "./progress/json_progress.ts";
import { openLogFile } from "./log_file.ts";
import { LoggedProgress } from "./progress/logged_progress.ts";
import { errorWriter, printLine } from "./output.ts";
import { PlainProgress } from "./progress/plain_progress.ts";
import { ProgressBars } from "./progress/progress_bars.ts";
import type { ProgressMode, ProgressView, ShownSwarm } from "./progress/progress_view.ts";
import { ServiceManager } from "./service/notify.ts";
import { isForPeople, readIpFilter, serveApi, startSession } from "./running_session.ts";
import { StopSignals } from "./stop_signals.ts";
import { TerminalScreen } from "./progress/terminal_screen.ts";
import type { WebPlace } from "./option_values.ts";
import {
  exists,
  isMagnet,
  knownTorrents,
  locateTorrent,
  readNamedMagnet,
  readNamedTorrent,
} from "./torrent_arguments.ts";

/** The time between two updates of the view, in milliseconds. */
const SHOW_EVERY_MS = 1000;
/** The time between two checks whether every torrent is complete, in milliseconds. */
const COMPLETE_CHECK_MS = 200;

/** A limit below this, in bytes per second, causes a warning: one block would take more than 16 s. */
const LOW_RATE = 1000;

/** Options of `start`. Rates in bytes per second, times in milliseconds. */
export interface StartOptions {
  readonly home: string;
  readonly host?: string;
  readonly name?: string;
  readonly port?: number;
  readonly trackerPort?: number;
  readonly tracker: boolean;
  readonly openTracker?: boolean;
  readonly handOut?: boolean;
  readonly trustedProxy?: readonly string[];
  readonly peer?: readonly string[];
  readonly superSeed?: boolean;
  readonly uploadSlots?: number;
  readonly downloadSources?: number;
  readonly rechoke?: number;
  readonly maxUpload?: number;
  readonly maxDownload?: number;
  readonly altUpload?: number;
  readonly altDownload?: number;
  readonly alt?: boolean;
  readonly altSchedule?: WeeklySpan | "none";
  readonly maxActive?: number;
  readonly seedRatio?: number;
  readonly seedTime?: number;
  readonly encryption: EncryptionPolicy;
  readonly ipFilter?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly first?: readonly string[];
  readonly sequential?: boolean;
  /** The folder for the data of the named torrents. */
  readonly output?: string;
  /** Old data of the named torrents. */
  readonly reuse?: readonly string[];
  readonly lsd: boolean;
  readonly pex: boolean;
  /** False serves no page; undefined the usual one. */
  readonly web?: WebPlace | false;
  readonly webPasswordFile?: string;
  readonly openRpc?: boolean;
  readonly outputFolders?: readonly string[];
  readonly exitWhenComplete?: boolean;
  readonly seedFor: number;
  readonly progress: ProgressMode;
  readonly logLevel: LogLevel;
  readonly logFile?: string;
}

/** The options of `start` as the user said them, by the place in which each was said; paths in a file are absolute. */
export interface StartWords {
  readonly commandLine: Partial<StartOptions>;
  readonly file: Partial<StartOptions>;
  readonly defaults: Pick<StartOptions, DefaultOption>;
}

/** Options that have a value where nobody said anything. */
type DefaultOption = "home" | "tracker" | "lsd" | "pex" | "encryption" | "seedFor" | "progress" | "logLevel";

/** What a command wants of the peer of its home: of the one that runs there, or else of one that it begins. */
interface Errand {
  /** Gives it to the running peer, and follows that; left out where a process of its own is needed. */
  readonly handOver?: (remote: Remote, following: Following) => Promise<ExitCode>;
  /** Does it without any session, where no peer runs. Errors: `Failure`. */
  readonly atRest?: (home: string) => Promise<ExitCode>;
  /** Does it in a session; resolves when the session may go on by itself, or with "over" to end. Errors: `Failure`. */
  readonly begin: (session: Session, options: StartOptions, following: Following) => Promise<"over" | void>;
}

/** What a person reads whose folder is empty; no bar is drawn then. */
const NOTHING_YET = [
  "nothing is shared here yet; in another terminal, in this folder,",
  "  peer share FILE  shares a file or folder, and",
  "  peer get         shows what is near by",
];

/** The same person reads this, where there is a page: its address comes in the next line. */
const OR_BY_THE_PAGE = "or do both in a browser, on the page of this peer:";

/**
 * Joins the swarms of the named torrents, or of all in torrents/, until a signal comes or all of them are complete.
 *
 * `commands` names all commands where the first argument stands in the place of a command. Errors: `Failure`; a torrent
 * that cannot be read fails before the session starts and before any file is made.
 */
export async function start(
  torrents: readonly string[],
  words: StartWords,
  commands: readonly string[] = [],
): Promise<ExitCode> {
  const options: StartOptions = inForce(words);
  const home = resolve(options.home);
  if (commands.length > 0) await refuseUnknownCommand(torrents[0], home, commands);
  const { output, reuse } = options;
  const alone = (["output", "reuse"] as const).find((name) => words.commandLine[name] !== undefined);
  if (alone !== undefined && torrents.length === 0) {
    throw new Failure(EXIT.usage, `--${alone}`, "Expected the torrents that it is for beside it, got none");
  }
  const named: string[] = [];
  for (const torrent of torrents) named.push(await pathOrMagnet(torrent, home));
  const origins = named.map((name) => isMagnet(name) ? { magnet: name } : { path: resolve(name) });
  const peers = options.peer ?? [];
  return await run(words, {
    ...named.length > 0 && { handOver: (remote, following) => handOver(remote, origins, following) },
    begin: async (session, { exitWhenComplete = false, progress, web }, { view }) => {
      if (named.length === 0) {
        await joinAll(session, join(home, "torrents"), peers, view, exitWhenComplete);
        if (isForPeople(progress) && session.snapshot().length === 0) {
          for (const line of [...NOTHING_YET, ...web === false ? [] : [OR_BY_THE_PAGE]]) printLine(line);
        }
        return;
      }
      if (output !== undefined || reuse !== undefined) {
        return openNamed(session, origins, { peers, ...placesOf({ output, reuse }) });
      }
      return joinNamed(session, named, peers, view);
    },
  });
}

/** Runs a peer, or talks to the one that runs in the home, until a signal comes or all is complete. Errors: `Failure`. */
export async function run(words: StartWords, errand: Errand): Promise<ExitCode> {
  const options: StartOptions = inForce(words);
  if (options.seedFor > 0 && !options.exitWhenComplete) {
    throw new Failure(EXIT.usage, "--seed-for", "Expected --exit-when-complete beside it, got none");
  }
  if (options.handOut && !options.tracker) {
    throw new Failure(EXIT.usage, "--hand-out", "Expected the tracker, whose port it uses, got --no-tracker");
  }
  const home = resolve(options.home);
  using remote = errand.handOver && await runningPeer(home);
  const { logFile } = options;
  const writeToFile = logFile === undefined ? undefined : openLogFile(logFile, (line) => write(line));
  const signals = new StopSignals();
  const shown = viewFor(options.progress);
  const write = logWriter(shown);
  const log = createLogger(options.logLevel, writeToFile ?? write);
  const view = new LoggedProgress({
    log,
    shown,
    isAlone: shown === undefined || logFile !== undefined,
    watchesPieces: ["info", "debug"].includes(options.logLevel),
  });
  const following = { home, options: words.commandLine, view, stop: signals.stop };
  try {
    if (remote !== undefined && errand.handOver !== undefined) {
      return await errand.handOver(remote, following);
    }
    if (errand.atRest !== undefined) return await errand.atRest(home);
    warnOfLowRates(options, view);
    const ipFilter = await readIpFilter(options.ipFilter, log);
    let session: Session;
    try {
      session = await startSession({ ...options, home }, words, ipFilter, view, log);
    } catch (error) {
      // Another process may have begun in this home since we looked.
      const isTaken = error instanceof Error && error.cause instanceof HomeInUseError;
      using first = isTaken && errand.handOver ? await runningPeer(home) : undefined;
      if (first === undefined || errand.handOver === undefined) throw error;
      return await errand.handOver(first, following);
    }
    const manager = new ServiceManager();
    const state = join(home, "state");
    await manager.ready(state);
    const show = () => {
      const torrents = session.snapshot();
      view.tick(view.showsRooms ? torrents.map((torrent) => withRoom(torrent, session)) : torrents);
    };
    const ticking = setInterval(show, SHOW_EVERY_MS);
    let api: Api | undefined;
    try {
      const work = errand.begin(session, options, following);
      // `untilDone` tells of a failure, also of one that comes while the interface is loaded.
      work.catch(() => {});
      api = await serveApi(session, { ...options, home }, { view, log, tell: write, signals });
      await Promise.race([aborted(signals.stop), untilDone(session, work, options, signals.stop)]);
    } finally {
      clearInterval(ticking);
      show();
      await manager.stopping(state);
      await api?.stop();
      await session.stop();
    }
  } finally {
    view.close();
    signals.close();
  }
  return EXIT.ok;
}

/** The folder for data and the places of old data as a session takes them: absolute paths. */
export function placesOf(
  { output, reuse }: { readonly output?: string | undefined; readonly reuse?: readonly string[] | undefined },
) {
  return {
    ...output !== undefined && { folder: resolve(output) },
    ...reuse !== undefined && { reuse: reuse.map((path) => resolve(path)) },
  };
}

/** Takes torrents in with places for their data that the user chose. Errors: `Failure`. */
async function openNamed(
  session: Session,
  origins: readonly ({ readonly magnet: string } | { readonly path: string })[],
  options: AddOptions,
): Promise<void> {
  const { folder } = options;
  for (const origin of origins) {
    try {
      const { infoHash, isNew } = await session.open(origin, options);
      const there = session.details(infoHash).folder;
      if (isNew || folder === undefined || there === folder) continue;
      throw new Failure(
        EXIT.failed,
        "--output",
        `Expected a new torrent, got one whose data is in ${there} already`,
      );
    } catch (error) {
      if (error instanceof Failure) throw error;
      const exitCode = error instanceof MetainfoError ? EXIT.badInput : EXIT.failed;
      throw new Failure(exitCode, Object.values(origin)[0], messageOf(error), { cause: error });
    }
  }
}

/** Warns of limits so low that the user has probably forgotten the unit. */
function warnOfLowRates({ maxUpload, maxDownload }: StartOptions, view: ProgressView): void {
  for (const [option, rate] of [["--max-upload", maxUpload], ["--max-download", maxDownload]] as const) {
    if (rate === undefined || rate >= LOW_RATE) continue;
    const message =
      `${option} ${rate} is ${rate} bytes per second; for thousands say ${rate}K, for millions ${rate}M`;
    view.event({ event: "warning", code: "rate", message });
  }
}

/** Refuses a single word that names no file: it is a mistyped command. Errors: `Failure`. */
async function refuseUnknownCommand(word: string, home: string, commands: readonly string[]): Promise<void> {
  if (!/^[a-z][a-z-]*$/i.test(word) || await exists(await locateTorrent(word, home))) return;
  const hint = didYouMean(word, [...commands, ...await knownTorrents(home)]);
  throw new Failure(EXIT.usage, word, `Expected a command or a torrent, got neither${hint}`);
}

/** The view of a mode; undefined for the one that shows nothing. */
function viewFor(mode: ProgressMode): ProgressView | undefined {
  switch (mode) {
    case "none":
      return undefined;
    case "json":
      return new JsonProgress();
    case "plain":
      return new PlainProgress();
    case "bars":
      return new ProgressBars(new TerminalScreen(Deno.stdout), paintFor(Deno.stdout));
    case "auto":
      return viewFor(Deno.stdout.isTerminal() ? "bars" : "plain");
  }
}

/** Writes log lines to standard error, or above the bars where these are on the same terminal. */
function logWriter(view: ProgressView | undefined): (line: string) => void {
  const write = errorWriter();
  return (line) => view?.log !== undefined && Deno.stderr.isTerminal() ? view.log(line) : write(line);
}

/** The argument itself where it is a magnet link, or else the path of its torrent. Errors: `Failure` for a bad one. */
async function pathOrMagnet(argument: string, home: string): Promise<string> {
  if (!isMagnet(argument)) return (await readNamedTorrent(argument, home)).path;
  readNamedMagnet(argument);
  return argument;
}

/** One torrent that the disk refuses is told and does not keep the others from being shared. Errors: `Failure`. */
async function joinNamed(
  session: Session,
  pathsAndMagnets: readonly string[],
  peers: readonly string[],
  view: ProgressView,
): Promise<void> {
  let refused = 0;
  await Promise.all(pathsAndMagnets.map(async (named) => {
    try {
      await (isMagnet(named) ? session.addMagnet(named, peers) : session.add(named, peers));
    } catch (error) {
      if (error instanceof StorageError && ++refused < pathsAndMagnets.length) {
        view.event({ event: "error", code: "storage", message: `${named}: ${error.message}` });
        return;
      }
      if (error instanceof RangeError) throw new Failure(EXIT.usage, named, error.message, { cause: error });
      const exitCode = error instanceof MetainfoError ? EXIT.badInput : EXIT.failed;
      throw new Failure(exitCode, named, messageOf(error), { cause: error });
    }
  }));
}

/**
 * Joins all torrents in the folder, and then watches it. A bad file causes a warning and does not stop the others.
 *
 * Errors: `Failure` when the folder cannot be read, and with `isToEnd` when no torrent in it can be joined.
 */
async function joinAll(
  session: Session,
  folder: string,
  peers: readonly string[],
  view: ProgressView,
  isToEnd: boolean,
): Promise<void> {
  const kept = await session.addKept(peers);
  const paths = await torrentPaths(folder).catch((error) => {
    throw new Failure(EXIT.failed, "start", messageOf(error), { cause: error });
  });
  // The looks are taken before the files are read, so that a file that changes meanwhile is read again.
  const looks = new Map(paths.map((path) => [path, lookOf(path)]));
  const failures: string[] = [];
  await Promise.all(
    paths.map(async (path) => {
      try {
        await session.add(path, peers);
      } catch (error) {
        failures.push(`${path}: ${messageOf(error)}`);
        view.event({ event: "warning", code: "torrent", message: `${path}: ${messageOf(error)}` });
      }
    }),
  );
  if (isToEnd && failures.length === paths.length && kept === 0) {
    const got = failures.length === 0 ? "none" : `${failures.length} that cannot be used (${failures[0]})`;
    throw new Failure(EXIT.badInput, folder, `Expected a torrent to complete, got ${got}`);
  }
  session.watchTorrents(looks);
}

/**
 * Waits until the signal, or with `--exit-when-complete` until all is complete and has been seeded.
 * Errors: `Failure` in the end for a torrent that failed.
 */
async function untilDone(
  session: Session,
  work: Promise<"over" | void>,
  options: StartOptions,
  stop: AbortSignal,
): Promise<void> {
  if (await work === "over") return;
  if (!options.exitWhenComplete) return await aborted(stop);
  const unfinished = () => session.snapshot().filter((swarm) => !swarm.finished);
  // A torrent that failed keeps nobody waiting, and the others are seeded for as long as the user asked.
  while (unfinished().some((swarm) => swarm.failure === undefined)) {
    await delay(COMPLETE_CHECK_MS, undefined, { signal: stop });
  }
  const hasComplete = session.snapshot().some((swarm) => swarm.finished);
  if (hasComplete) await delay(options.seedFor, undefined, { signal: stop });
  const [failed] = unfinished();
  if (failed !== undefined) {
    throw new Failure(EXIT.failed, failed.name, failed.failure ?? "it is not complete any more");
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A torrent with its room, where there is one: most of a thousand idle ones are alone, and are not copied. */
function withRoom(torrent: TorrentSnapshot, session: Session): ShownSwarm {
  const room = session.room(torrent);
  if (room === undefined) return torrent;
  const names = () => {
    const named = session.hostsIn(torrent).filter(({ name }) => name !== undefined);
    return new Map(named.map(({ endpoint, name }) => [endpoint, name!]));
  };
  return { ...torrent, room, names };
}
