/** Where a measurement works: a folder of its own, and the programs it started. All is gone afterwards. */
import { type Launch, RunningProcess, type Spawn } from "../harness/processes/running_process.ts";

/** Memory is the default place, because a disk would hide what the programs cost. */
const MEMORY_FOLDER = "/dev/shm";
const POLL_MS = 5;
const RUN_TIMEOUT_SECONDS = 300;

const open = new Set<Workshop>();
let closing: Promise<unknown> | undefined;

/** A folder, and programs that end before it goes. */
export class Workshop implements AsyncDisposable {
  readonly folder: string;
  readonly #programs: RunningProcess[] = [];
  readonly #closings: (() => unknown)[] = [];
  #folders = 0;

  /**
   * Works below `parent`: in memory, where the machine has a file system for it, unless named.
   *
   * Errors: `Error` once all are being closed.
   */
  constructor(parent: string | undefined) {
    if (closing !== undefined) throw new Error("Interrupted");
    const dir = parent ?? (exists(MEMORY_FOLDER) ? MEMORY_FOLDER : undefined);
    this.folder = Deno.makeTempDirSync({ prefix: "peer-bench-", ...(dir === undefined ? {} : { dir }) });
    open.add(this);
  }

  /** Closes every open workshop and allows no other, for the moment the user interrupts. */
  static closeAll(): Promise<unknown> {
    return closing ??= Promise.all([...open].map((workshop) => workshop[Symbol.asyncDispose]()));
  }

  /** Resolves when `closeAll`, if it was called, is done; undefined when it was not. */
  static get closing(): Promise<unknown> | undefined {
    return closing;
  }

  /** Makes a new empty folder. */
  newFolder(): string {
    const path = `${this.folder}/${++this.#folders}`;
    Deno.mkdirSync(path);
    return path;
  }

  /** Starts a program that is stopped when the workshop closes. Errors: `Deno.errors.NotFound`. */
  start(launch: Launch, onLine?: (line: string) => void, spawn?: Spawn): RunningProcess {
    const program = new RunningProcess(launch, onLine, spawn);
    this.#programs.push(program);
    return program;
  }

  /** Runs a program to its end and returns the seconds it took. Errors: `Error` with what it said when it fails. */
  async run(launch: Launch, onLine?: (line: string) => void): Promise<number> {
    const begin = performance.now();
    const program = this.start(launch, onLine);
    await until(() => program.exitCode !== undefined, [], RUN_TIMEOUT_SECONDS);
    const seconds = (performance.now() - begin) / 1000;
    if (program.exitCode === 0) return seconds;
    throw new Error(`${launch.command} failed with status ${program.exitCode}: ${program.tail}`);
  }

  /** Registers what must happen when the workshop closes: after its programs have ended, last in first out. */
  defer(closing: () => unknown): void {
    this.#closings.push(closing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!open.delete(this)) return;
    await Promise.all(this.#programs.map((program) => program.stop()));
    for (const closing of this.#closings.reverse()) await closing();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Pauses for some milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Resolves when `holds` says yes; it is asked every few milliseconds.
 *
 * Errors: `Error` when one of `programs` ends before, or after `timeoutSeconds`.
 */
export async function until(
  holds: () => boolean,
  programs: readonly RunningProcess[],
  timeoutSeconds: number,
): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  while (!holds()) {
    const ended = programs.find((program) => program.exitCode !== undefined);
    if (ended !== undefined) {
      throw new Error(`A program ended early with status ${ended.exitCode}: ${ended.tail}`);
    }
    if (performance.now() > deadline) {
      const lastWords = programs.map(({ tail }) => tail.slice(tail.lastIndexOf("\n") + 1).trim());
      throw new Error(`Expected an end within ${timeoutSeconds} s, got only: ${lastWords.join(" | ")}`);
    }
    await pause(POLL_MS);
  }
}

/** Whether something has this name. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
