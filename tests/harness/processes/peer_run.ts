import { linesOf } from "./lines.ts";

/** What `peer … --progress json` tells, as far as it is looked at here (the README lists all of it). */
export interface PeerEvent {
  readonly event: string;
  readonly time: number;
  readonly role: string;
  readonly sources?: Record<string, number>;
  readonly [field: string]: unknown;
}

/** How long a process may take to stop cleanly before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/** One `peer` process with one torrent that tells JSON lines, and what it has told so far. */
export class PeerRun {
  /** Resolves when it has joined the swarm. */
  readonly joined: Promise<void>;
  /** Resolves when it has all data, be it from the start. */
  readonly completed: Promise<void>;
  /** Rejects when the process ends, or tells something that is not a JSON line; never resolves. */
  readonly ended: Promise<never>;
  /** Every line so far. */
  readonly lines: string[] = [];
  /** Its role when it joined, and now; empty before. */
  firstRole = "";
  role = "";
  /** From the start of the process to `complete`; undefined before, and for one that had the data already. */
  seconds: number | undefined;
  /** Bytes by the address they came from, ports and connections added up; told with `complete`. */
  sources: Record<string, number> = {};

  readonly #startedAt = Date.now();
  readonly #child: Deno.ChildProcess;
  readonly #onEvent: (event: PeerEvent) => void;
  readonly #joined = Promise.withResolvers<void>();
  readonly #completed = Promise.withResolvers<void>();
  readonly #allRead: Promise<unknown>;

  /**
   * Follows a process whose standard output and standard error are piped; `name` goes before its error lines, and
   * `onEvent` hears all it tells.
   */
  constructor(name: string, child: Deno.ChildProcess, onEvent: (event: PeerEvent) => void = () => {}) {
    this.#child = child;
    this.#onEvent = onEvent;
    this.joined = this.#joined.promise;
    this.completed = this.#completed.promise;
    this.ended = this.#readEvents(name);
    this.#allRead = Promise.allSettled([this.ended, passErrors(name, child)]);
  }

  /** Stops it as Ctrl-C does, and waits until all it told is read. False when it did not stop cleanly. */
  async stop(): Promise<boolean> {
    this.#tell("SIGINT");
    const timer = setTimeout(() => this.#tell("SIGKILL"), STOP_TIMEOUT_MS);
    const { success } = await this.#child.status;
    clearTimeout(timer);
    await this.#allRead;
    return success;
  }

  /** Ends it at once, as a crash does, and waits until all it told is read. */
  async kill(): Promise<void> {
    this.#tell("SIGKILL");
    await this.#child.status;
    await this.#allRead;
  }

  /** A process that has ended already cannot be told to. */
  #tell(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #readEvents(name: string): Promise<never> {
    for await (const line of linesOf(this.#child.stdout)) {
      this.lines.push(line);
      this.#observe(JSON.parse(line));
    }
    const { code } = await this.#child.status;
    throw new Error(`${name} ended with exit status ${code}`);
  }

  #observe(event: PeerEvent): void {
    this.#onEvent(event);
    if (event.event === "torrent") {
      this.firstRole = this.role = event.role;
      this.#joined.resolve();
      if (event.seeding) this.#completed.resolve();
    } else if (event.event === "status") {
      this.role = event.role;
    } else if (event.event === "complete") {
      this.seconds = (event.time - this.#startedAt) / 1000;
      this.sources = sumByAddress(event.sources ?? {});
      this.#completed.resolve();
    }
  }
}

async function passErrors(name: string, child: Deno.ChildProcess): Promise<void> {
  for await (const line of linesOf(child.stderr)) console.error(`${name}: ${line}`);
}

/** `{"10.0.0.1:6881": 5, "10.0.0.1:40000": 1}` as `{"10.0.0.1": 6}`. */
function sumByAddress(sources: Record<string, number>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [endpoint, bytes] of Object.entries(sources)) {
    const address = endpoint.slice(0, endpoint.lastIndexOf(":"));
    sums[address] = (sums[address] ?? 0) + bytes;
  }
  return sums;
}
