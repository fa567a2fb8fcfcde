/** `peer X.torrent` in a home where a peer runs already: hands X over to it, and follows what it does. */
import { setTimeout as delay } from "node:timers/promises";
import type { SwarmSnapshot } from "../../session/session.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import type { ProgressView } from "../progress/progress_view.ts";
import type { StartOptions } from "../start_command.ts";
import { type Added, addOne, type Origin } from "./add_command.ts";
import { isInUse } from "./home_in_use.ts";
import type { LoggedEvent } from "./log_command.ts";
import { openRemote, type Remote, stateOf } from "./remote.ts";
import type { PeerView, State, TorrentSummary } from "../../api/shapes.ts";

/** The time between two looks at the running process, in milliseconds. */
const LOOK_EVERY_MS = 1000;
/** How long a process that has the lock may take until it can be steered, in milliseconds. */
const DOOR_TIMEOUT_MS = 10_000;
const DOOR_LOOK_EVERY_MS = 50;

/** Options of `start` that hold for the torrents, or for what is shown; all others are for a process of its own. */
const TAKEN_OVER: ReadonlySet<string> = new Set<keyof StartOptions>(
  [
    "home",
    "only",
    "skip",
    "first",
    "sequential",
    "output",
    "reuse",
    "peer",
    "exitWhenComplete",
    "progress",
    "logLevel",
    "logFile",
  ],
);

/** The parts that show a hand-over and end it. */
export interface Following {
  readonly home: string;
  /** Options of the command line. */
  readonly options: Partial<StartOptions>;
  readonly view: ProgressView;
  /** Aborts when the user has seen enough. */
  readonly stop: AbortSignal;
}

/** The peer that runs in a home, once it can be steered; undefined where none runs. Errors: those of `openRemote`. */
export async function runningPeer(home: string): Promise<Remote | undefined> {
  const deadline = performance.now() + DOOR_TIMEOUT_MS;
  while (true) {
    try {
      return await openRemote(home);
    } catch (error) {
      if (!(error instanceof Error && error.name === "NobodyRunsError")) throw error;
      if (performance.now() > deadline || !await isInUse(home)) return undefined;
      await delay(DOOR_LOOK_EVERY_MS);
    }
  }
}

/**
 * Hands torrents over to a running peer and shows their progress until `stop` aborts, or with `exitWhenComplete` until
 * all are complete. The peer goes on in either case.
 *
 * Errors: `Failure` where it refuses a torrent, loses one, or ends.
 */
export async function handOver(
  remote: Remote,
  origins: readonly Origin[],
  following: Following,
): Promise<ExitCode> {
  const { options, view, home } = following;
  const { process: { pid } } = await stateOf(remote);
  warnOfIgnored(following, pid);
  const { only, skip, first, sequential, output, reuse, peer } = options;
  const wishes = Object.fromEntries(
    Object.entries({ only, skip, first, sequential, output, reuse, peer }).filter(([, value]) =>
      value !== undefined
    ),
  );
  const added: Added[] = [];
  for (const origin of origins) {
    const one = await addOne(remote, origin, { home, ...wishes });
    added.push(one);
    view.event({ event: "handed-over", infoHash: one.infoHash, name: one.name, isNew: one.isNew, home, pid });
  }
  await follow(remote, added, pid, following);
  return EXIT.ok;
}

/** Warns of options that only a process of its own could heed; `pid` is the one that runs. */
export function warnOfIgnored({ home, options, view }: Following, pid: number): void {
  const ignored = Object.keys(options).filter((name) => !TAKEN_OVER.has(name)).map(optionText);
  if (ignored.length === 0) return;
  const message = `${ignored.join(", ")}: ignored, as process ${pid} runs in ${home} already; ` +
    "peer limit changes its limits, and peer stop ends it";
  view.event({ event: "warning", code: "hand-over", message });
}

/** `--max-upload` for `maxUpload`. */
function optionText(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Shows the torrents until the end; `pid` is the process that has them. Errors: `Failure`. */
export async function follow(
  remote: Remote,
  added: readonly Pick<Added, "infoHash" | "name">[],
  pid: number,
  { options, view, stop }: Following,
): Promise<void> {
  const ended = new AbortController();
  const infoHashes = new Set(added.map(({ infoHash }) => infoHash));
  const events = tellEvents(remote, infoHashes, view, AbortSignal.any([stop, ended.signal]));
  try {
    while (!stop.aborted) {
      const snapshots = await snapshotsOf(remote, added);
      view.tick(snapshots);
      if (options.exitWhenComplete && isOver(snapshots)) return;
      await delay(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {});
    }
    for (const { infoHash, name } of added) view.event({ event: "left-running", infoHash, name, pid });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const why = `process ${pid}, which had taken it over, has ended`;
    throw new Failure(EXIT.failed, added.map(({ name }) => name).join(", "), why, { cause: error });
  } finally {
    ended.abort();
    await events;
  }
}

/** Whether all torrents are complete. Errors: `Failure` for one that failed when none goes on any more. */
function isOver(snapshots: readonly SwarmSnapshot[]): boolean {
  const unfinished = snapshots.filter(({ finished }) => !finished);
  if (unfinished.some(({ failure }) => failure === undefined)) return false;
  const [failed] = unfinished;
  if (failed !== undefined) throw new Failure(EXIT.failed, failed.name, failed.failure!);
  return true;
}

/** Shows the events of the torrents until the signal or the end of the process. Never rejects. */
async function tellEvents(
  remote: Remote,
  infoHashes: ReadonlySet<string>,
  view: ProgressView,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { data } of remote.events(undefined, signal)) {
      const { log = [] } = data as { readonly log?: readonly LoggedEvent[] };
      for (const { time: _, ...event } of log) {
        if ("infoHash" in event && infoHashes.has(event.infoHash)) view.event(event);
      }
    }
  } catch {
    // The next look at the state tells of a process that has ended.
  }
}

/** The torrents as the views show them. Errors: `Failure` for one that is not there any more. */
async function snapshotsOf(
  remote: Remote,
  added: readonly Pick<Added, "infoHash" | "name">[],
): Promise<SwarmSnapshot[]> {
  const { torrents, time } = await stateOf(remote);
  return await Promise.all(added.map(async ({ infoHash, name }) => {
    const summary = torrents[infoHash];
    if (summary === undefined) throw new Failure(EXIT.failed, name, "it was removed meanwhile");
    const { peers } = await remote.get(`/torrents/${infoHash}/peers`) as {
      readonly peers: readonly PeerView[];
    };
    return snapshotOf(summary, peers, time);
  }));
}

/** A snapshot out of the JSON of the interface; `now` in ms since 1970. */
function snapshotOf(summary: TorrentSummary, peers: readonly PeerView[], now: State["time"]): SwarmSnapshot {
  const { waiting } = summary;
  const nextTryInMs = waiting?.nextTryAt === undefined ? undefined : Math.max(0, waiting.nextTryAt - now);
  // The interface tells each member of a snapshot, and leaves out those that are undefined.
  return {
    ...summary,
    peers,
    waiting: waiting && { reason: waiting.reason, nextTryInMs },
  } as unknown as SwarmSnapshot;
}
