import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, MetainfoError, StorageError } from "../errors.ts";
import { createLogger, type Logger, type LogLevel } from "../log.ts";
import {
  defaultOptions,
  type IpFilter,
  loadIpFilter,
  lookOf,
  Session,
  torrentPaths,
} from "../session/session.ts";
import type { EncryptionPolicy } from "../settings.ts";
import { didYouMean } from "./did_you_mean.ts";
import { EXIT, type ExitCode, Failure } from "./failure.ts";
import { JsonProgress } from "./progress/json_progress.ts";
import { LoggedProgress } from "./progress/logged_progress.ts";
import { errorWriter } from "./output.ts";
import { PlainProgress } from "./progress/plain_progress.ts";
import { ProgressBars } from "./progress/progress_bars.ts";
import { type ProgressMode, type ProgressView } from "./progress/progress_view.ts";
import { ServiceManager } from "./service/notify.ts";
import { StopSignals } from "./stop_signals.ts";
import { TerminalScreen } from "./progress/terminal_screen.ts";
import { ownAddressesText } from "./option_values.ts";
import {
  exists,
  isMagnet,
  knownTorrents,
  locateTorrent,
  readNamedMagnet,
  readNamedTorrent,
} from "./torrent_arguments.ts";

/** How often what is shown follows the swarms, in milliseconds. */
const SHOW_EVERY_MS = 1000;
/** How often it is looked whether every torrent is complete, in milliseconds. */
const COMPLETE_CHECK_MS = 200;

/** Bytes per second below which a limit is asked about: a block would take more than 16 s. */
const LOW_RATE = 1000;

/** Options of `start`. Rates in bytes per second, times in milliseconds. */
export interface StartOptions {
  readonly home: string;
  readonly host?: string;
  readonly port?: number;
  readonly trackerPort?: number;
  readonly tracker: boolean;
  readonly openTracker?: boolean;
  readonly trustedProxy?: readonly string[];
  readonly peer?: readonly string[];
  readonly superSeed?: boolean;
  readonly uploadSlots?: number;
  readonly downloadSources?: number;
  readonly rechoke?: number;
  readonly maxUpload?: number;
  readonly maxDownload?: number;
  readonly encryption: EncryptionPolicy;
  readonly ipFilter?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly first?: readonly string[];
  readonly sequential?: boolean;
  readonly lsd: boolean;
  readonly pex: boolean;
  readonly exitWhenComplete?: boolean;
  readonly seedFor: number;
  readonly progress: ProgressMode;
  readonly logLevel: LogLevel;
}

/**
 * Joins the swarms of some torrents, or of all in torrents/, until a signal or until they are complete.
 *
 * `commands` are those there are, where the first argument stands in the place of one. Errors: `Failure`; a torrent that cannot be
 * read fails before anything is started or made.
 */
export async function start(
  torrents: readonly string[],
  options: StartOptions,
  commands: readonly string[] = [],
): Promise<ExitCode> {
  if (options.seedFor > 0 && !options.exitWhenComplete) {
    throw new Failure(EXIT.usage, "--seed-for", "Expected --exit-when-complete beside it, got none");
  }
  const home = resolve(options.home);
  if (commands.length > 0) await refuseUnknownCommand(torrents[0], home, commands);
  const named: string[] = [];
  for (const torrent of torrents) named.push(await pathOrMagnet(torrent, home));

  const peers = options.peer ?? [];
  const signals = new StopSignals();
  const view = viewFor(options.progress, options.logLevel);
  try {
    const log = createLogger(options.logLevel, logWriter(view));
    warnOfLowRates(options, view);
    const ipFilter = await readIpFilter(options.ipFilter, log);
    const session = await startSession({ ...options, home }, ipFilter, view, log);
    const manager = new ServiceManager();
    const state = join(home, "state");
    await manager.ready(state);
    const ticking = setInterval(() => view.tick(session.snapshot()), SHOW_EVERY_MS);
    try {
      const work = named.length > 0
        ? joinNamed(session, named, peers, view)
        : joinAll(session, join(home, "torrents"), peers, view, options.exitWhenComplete ?? false);
      await Promise.race([aborted(signals.stop), untilDone(session, work, options, signals.stop)]);
    } finally {
      clearInterval(ticking);
      view.tick(session.snapshot());
      await manager.stopping(state);
      await session.stop();
    }
  } finally {
    view.close();
    signals.close();
  }
  return EXIT.ok;
}

/** Tells of limits so low that the unit was more likely forgotten. */
function warnOfLowRates({ maxUpload, maxDownload }: StartOptions, view: ProgressView): void {
  for (const [option, rate] of [["--max-upload", maxUpload], ["--max-download", maxDownload]] as const) {
    if (rate === undefined || rate >= LOW_RATE) continue;
    const message =
      `${option} ${rate} is ${rate} bytes per second; for thousands say ${rate}K, for millions ${rate}M`;
    view.event({ event: "warning", code: "rate", message });
  }
}

/** A single word that is no file is a mistyped command. */
async function refuseUnknownCommand(word: string, home: string, commands: readonly string[]): Promise<void> {
  if (!/^[a-z][a-z-]*$/i.test(word) || await exists(await locateTorrent(word, home))) return;
  const hint = didYouMean(word, [...commands, ...await knownTorrents(home)]);
  throw new Failure(EXIT.usage, word, `Expected a command or a torrent, got neither${hint}`);
}

function viewFor(mode: ProgressMode, logLevel: LogLevel): ProgressView {
  switch (mode) {
    case "none":
      return new LoggedProgress(createLogger(logLevel, errorWriter()));
    case "json":
      return new JsonProgress();
    case "plain":
      return new PlainProgress();
    case "bars":
      return new ProgressBars(new TerminalScreen(Deno.stdout));
    case "auto":
      return viewFor(Deno.stdout.isTerminal() ? "bars" : "plain", logLevel);
  }
}

/** Log lines go to standard error; where that is the terminal with the bars, above them. */
function logWriter(view: ProgressView): (line: string) => void {
  const write = errorWriter();
  return (line) => view.log !== undefined && Deno.stderr.isTerminal() ? view.log(line) : write(line);
}

async function readIpFilter(path: string | undefined, log: Logger): Promise<IpFilter | undefined> {
  if (path === undefined) return undefined;
  try {
    return await loadIpFilter(path, log);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    const found = isMissing ? "nothing at this path" : messageOf(error);
    throw new Failure(EXIT.badInput, path, `Expected a readable list of addresses, got ${found}`, {
      cause: error,
    });
  }
}

async function startSession(
  options: StartOptions,
  ipFilter: IpFilter | undefined,
  view: ProgressView,
  log: Logger,
): Promise<Session> {
  const { home, host, port, trackerPort, openTracker = false } = options;
  try {
    return await Session.start({
      ...defaultOptions(home),
      host,
      port,
      trackerPort,
      runTracker: options.tracker,
      openTracker,
      trustedProxies: options.trustedProxy ?? [],
      // What is not said is as it was chosen while the program ran, or the default.
      choices: {
        superSeeds: options.superSeed,
        uploadSlots: options.uploadSlots,
        downloadSources: options.downloadSources,
        rechokeMs: options.rechoke,
        peerExchange: options.pex ? undefined : false,
        maxUpload: options.maxUpload,
        maxDownload: options.maxDownload,
      },
      encryption: options.encryption,
      ipFilter,
      files: {
        only: options.only,
        skip: options.skip,
        first: options.first,
        isSequential: options.sequential,
      },
      localDiscovery: options.lsd,
      log,
      observe: (event) => view.event(event),
    });
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) {
      const why = `Expected an address of this machine, got ${host}; ${ownAddressesText()}`;
      throw new Failure(EXIT.failed, "--host", why);
    }
    throw new Failure(EXIT.failed, "start", messageOf(error), { cause: error });
  }
}

/** A magnet link as it stands, or the path of a torrent. Errors: `Failure` for what cannot be read. */
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
 * One bad file in the folder is told and must not keep the others from being shared.
 *
 * Errors: `Failure` when the folder cannot be read, or when all is to be completed and there is nothing.
 */
async function joinAll(
  session: Session,
  folder: string,
  peers: readonly string[],
  view: ProgressView,
  isToEnd: boolean,
): Promise<void> {
  const paths = await torrentPaths(folder).catch((error) => {
    throw new Failure(EXIT.failed, "start", messageOf(error), { cause: error });
  });
  // From before they are read: what is changed meanwhile is read again.
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
  if (isToEnd && failures.length === paths.length) {
    const got = failures.length === 0 ? "none" : `${failures.length} that cannot be used (${failures[0]})`;
    throw new Failure(EXIT.badInput, folder, `Expected a torrent to complete, got ${got}`);
  }
  session.watchTorrents(looks);
}

/** Waits until there is no more to do: for ever, or with `--exit-when-complete` until all has been seeded. */
async function untilDone(
  session: Session,
  work: Promise<void>,
  options: StartOptions,
  stop: AbortSignal,
): Promise<void> {
  await work;
  if (!options.exitWhenComplete) return await aborted(stop);
  while (!isAllComplete(session)) await delay(COMPLETE_CHECK_MS, undefined, { signal: stop });
  await delay(options.seedFor, undefined, { signal: stop });
}

/** Errors: `Failure` when what is not complete stands still, so that it never will be. */
function isAllComplete(session: Session): boolean {
  const unfinished = session.snapshot().filter((swarm) => !swarm.finished);
  const [first] = unfinished;
  if (first !== undefined && unfinished.every((swarm) => swarm.failure !== undefined)) {
    throw new Failure(EXIT.failed, first.name, first.failure!);
  }
  return unfinished.length === 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
