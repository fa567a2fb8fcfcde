/** The way from a command to the process that runs in its home. */
import { resolve } from "node:path";
import { messageOf } from "../../errors.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { jsonText } from "../json_text.ts";
import { printLine } from "../output.ts";
import { TerminalScreen } from "../progress/terminal_screen.ts";
import { isInUse } from "./home_in_use.ts";
import { type Paint, paintFor } from "./paint.ts";
import type { State, TorrentSummary } from "../../api/shapes.ts";

/** A running process, as the commands use it. `ControlClient` is one. */
export interface Remote {
  /** Asks for JSON; `path` is below `/api/v1`. */
  get(path: string): Promise<object>;
  /** Gives an order. */
  post(path: string, body?: object): Promise<object>;
  /** The state, and then its changes as they come, until `signal` aborts or the process ends. */
  events(
    last?: number,
    signal?: AbortSignal,
  ): AsyncIterable<{ readonly event: "state" | "delta"; readonly data: object }>;
  [Symbol.dispose](): void;
}

/** Options of every command that talks to a running process. */
export interface RemoteOptions {
  readonly home: string;
  readonly json?: boolean;
}

/** Where a command prints, and what it may use there. */
export interface Page {
  /** Columns; `Infinity` where nobody looks at a terminal. */
  readonly width: number;
  readonly paint: Paint;
}

/** Standard output as a page. */
export function pageHere(): Page {
  const isTerminal = Deno.stdout.isTerminal();
  return {
    width: isTerminal ? new TerminalScreen(Deno.stdout).columns : Infinity,
    paint: paintFor(Deno.stdout),
  };
}

/** A command needs a running process, and there is none in the home. */
export class NobodyRuns extends Failure {
  constructor(command: string, home: string, options?: ErrorOptions) {
    super(EXIT.failed, command, `no peer is running in ${resolve(home)}: start it with \`peer\``, options);
  }
}

/**
 * Talks to the process that runs in a home.
 *
 * Errors: `Failure` that names `command`, with the reason of the process; `NobodyRuns`.
 */
export async function withRemote(
  command: string,
  home: string,
  talk: (remote: Remote) => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    using remote = await openRemote(home);
    return await talk(remote);
  } catch (error) {
    throw await failureOf(error, command, resolve(home));
  }
}

/** The process that runs in a home. Errors: `NobodyRunsError`; `Failure` for a home of another user. */
export async function openRemote(home: string): Promise<Remote> {
  const { ControlClient } = await import("../../api/client.ts");
  const folder = resolve(home);
  try {
    return await ControlClient.open(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    const why = `Expected a home of this user, got one of another: ${folder}`;
    throw new Failure(EXIT.failed, "--home", why, { cause: error });
  }
}

/** What went wrong between a command and the process in `home`, for the user; other errors are returned as they are. */
async function failureOf(error: unknown, command: string, home: string): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof Failure) return error;
  const failure = (why: string) => new Failure(EXIT.failed, command, why, { cause: error });
  switch (error.name) {
    case "NobodyRunsError":
      return await isInUse(home)
        ? failure(`the peer in ${home} is just starting or stopping; try again in a moment`)
        : new NobodyRuns(command, home, { cause: error });
    case "RefusedError":
      return failure(error.message);
    case "TypeError":
      // `fetch` throws it when the other end closes the connection.
      return failure(`the peer in ${home} has ended: ${messageOf(error)}`);
    default:
      return error;
  }
}

/** The state of the process. */
export async function stateOf(remote: Remote): Promise<State> {
  return await remote.get("/state") as State;
}

/** The torrents of the process, by number. */
export async function torrentsOf(remote: Remote): Promise<TorrentSummary[]> {
  return byNumber(await stateOf(remote));
}

/** The torrents of a state, by number. */
export function byNumber({ torrents }: State): TorrentSummary[] {
  return Object.values(torrents).sort((a, b) => a.number - b.number);
}

/** Prints a value as JSON, or else lines for people. */
export function printResult(json: boolean | undefined, value: unknown, lines: () => readonly string[]): void {
  if (json) printLine(jsonText(value));
  else for (const line of lines()) printLine(line);
}
