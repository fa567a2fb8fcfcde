/** What `start` sets going: a session with the user's options, and the ways to steer it. */
import { resolve } from "node:path";
import type { Api } from "../api/api.ts";
import { messageOf, StorageError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { defaultOptions, type FileWishes, type IpFilter, loadIpFilter, Session } from "../session/session.ts";
import { ownTiers } from "../session/torrent_tools.ts";
import { HAND_OUT } from "../settings.ts";
import type { Changes } from "../swarm/policy.ts";
import { EXIT, Failure } from "./failure.ts";
import { ownAddressesText } from "./option_values.ts";
import type { ProgressView } from "./progress/progress_view.ts";
import type { StartOptions, StartWords } from "./start_command.ts";
import type { StopSignals } from "./stop_signals.ts";

/** Reads an address filter; undefined where none is named. Errors: `Failure`. */
export async function readIpFilter(path: string | undefined, log: Logger): Promise<IpFilter | undefined> {
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

/** Whether a person sees how it goes on, at a terminal. */
export function isForPeople(progress: StartOptions["progress"]): boolean {
  return Deno.stdout.isTerminal() && ["auto", "bars"].includes(progress);
}

/** Starts a session with the options. Errors: `Failure`. */
export async function startSession(
  options: StartOptions,
  { commandLine, file }: StartWords,
  ipFilter: IpFilter | undefined,
  view: ProgressView,
  log: Logger,
): Promise<Session> {
  const { home, host, name, port, trackerPort, openTracker = false, handOut = false } = options;
  try {
    const session = await Session.start({
      ...defaultOptions(home),
      host,
      name,
      port,
      trackerPort,
      runTracker: options.tracker,
      openTracker,
      handsOut: handOut,
      trustedProxies: options.trustedProxy ?? [],
      choices: choicesOf(commandLine),
      files: wishesOf(commandLine),
      configured: { choices: choicesOf(file), files: wishesOf(file) },
      encryption: options.encryption,
      ipFilter,
      localDiscovery: options.lsd,
      log,
      watchesPieces: view.watchesPieces ?? false,
      observe: (event) => view.event(event),
    });
    if (handOut) tellHandOut(session.process().trackerPort!, host, view);
    return session;
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) {
      const why = `Expected an address of this machine, got ${host}; ${ownAddressesText()}`;
      throw new Failure(EXIT.failed, "--host", why);
    }
    throw new Failure(EXIT.failed, "start", messageOf(error), { cause: error });
  }
}

/** Tells where machines without the program get it; a machine that no other reaches is told of by other warnings. */
function tellHandOut(trackerPort: number, host: string | undefined, view: ProgressView): void {
  const [[announce] = [`http://127.0.0.1:${trackerPort}/announce`]] = ownTiers(trackerPort, host);
  view.event({ event: "hand-out", address: new URL(HAND_OUT.path, announce).href });
}

/** Where a session tells what happens, and what stops it. */
interface Surroundings {
  readonly view: ProgressView;
  readonly log: Logger;
  /** Writes a line for the user alone, which no program reads. */
  readonly tell: (line: string) => void;
  readonly signals: StopSignals;
}

/**
 * Serves the control socket and, unless the user wants none, the page. A session whose folder can hold no socket shares
 * all the same, after a warning. Errors: `Failure` for a place or a password file that the user named.
 */
export async function serveApi(
  session: Session,
  { home, web, webPasswordFile, openRpc = false, outputFolders = [], progress }: StartOptions,
  { view, log, tell, signals }: Surroundings,
): Promise<Api | undefined> {
  const { Api } = await import("../api/api.ts");
  try {
    const api = await Api.start(session, {
      home,
      web: web === false ? undefined : web ?? { host: "127.0.0.1", port: undefined },
      passwordFile: webPasswordFile,
      isRpcOpen: openRpc,
      outputFolders: outputFolders.map((folder) => resolve(folder)),
      log,
      stop: () => signals.request(),
    });
    // The secret in the page's address is for the eyes of the user alone.
    if (isForPeople(progress) && api.page !== undefined) tell(`page: ${api.page}`);
    else if (api.addresses.length > 0) view.event({ event: "page", address: `${api.addresses[0]}/` });
    if (api.newPassword !== undefined) {
      tell(
        `peer: web: the password of the page for other machines is ${api.newPassword}; it is shown once`,
      );
    }
    return api;
  } catch (error) {
    const isFile = webPasswordFile !== undefined && error instanceof StorageError;
    const named = isFile ? "--web-password-file" : web === undefined ? undefined : "--web";
    if (named !== undefined) throw new Failure(EXIT.failed, named, messageOf(error), { cause: error });
    if (!(error instanceof StorageError)) throw error;
    view.event({
      event: "warning",
      code: "control",
      message: `${error.message}; peer status and the like cannot work`,
    });
  }
}

/** The choices among the options; a choice that is left out was made elsewhere, or nowhere. */
function choicesOf(options: Partial<StartOptions>): Changes {
  return {
    superSeeds: options.superSeed,
    uploadSlots: options.uploadSlots,
    downloadSources: options.downloadSources,
    rechokeMs: options.rechoke,
    peerExchange: options.pex,
    maxUpload: options.maxUpload,
    maxDownload: options.maxDownload,
    altMaxUpload: options.altUpload,
    altMaxDownload: options.altDownload,
    altIsOn: options.alt,
    altSchedule: options.altSchedule,
    maxActive: options.maxActive,
    seedRatio: options.seedRatio,
    seedTimeMs: options.seedTime,
  };
}

/** The wishes for files among the options; a wish that is left out was made elsewhere, or nowhere. */
function wishesOf({ only, skip, first, sequential }: Partial<StartOptions>): FileWishes {
  return { only, skip, first, isSequential: sequential };
}
