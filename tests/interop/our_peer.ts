/** Our program as a child process, watched through `--progress json`. */
import { type PeerEvent, peerLaunch, readEvent } from "../bench/deno_launch.ts";
import { RunningProcess, type Spawn } from "../harness/processes/running_process.ts";

const POLL_MS = 50;
/** How long a process may take from its start until it listens. */
const START_TIMEOUT_MS = 90_000;

/** One process of our program. Its folders lie below `home`. */
export class OurPeer {
  readonly home: string;
  readonly process: RunningProcess;
  readonly events: PeerEvent[] = [];
  readonly #address: string;

  /** Starts `peer start` at an address with these arguments. */
  constructor(home: string, address: string, args: readonly string[], spawn: Spawn) {
    this.home = home;
    this.#address = address;
    const launch = peerLaunch(
      ["start", `--home=${home}`, `--host=${address}`, "--progress=json", "--log-level=info", ...args],
      home,
    );
    this.process = new RunningProcess(launch, (line) => this.events.push(readEvent(line)), spawn);
  }

  /** Where its finished data lies. */
  get shareable(): string {
    return `${this.home}/shareable`;
  }

  /** Where peers reach it, as `host:port`, once it listens. */
  async endpoint(): Promise<string> {
    const { port } = await this.whenEvent("ready", START_TIMEOUT_MS);
    return `${this.#address}:${port}`;
  }

  /**
   * The first event of this name that `isIt`, past or to come. Errors: `Error` after `timeoutMs`, or when the process
   * ends.
   */
  async whenEvent(
    name: string,
    timeoutMs: number,
    isIt: (event: PeerEvent) => boolean = () => true,
  ): Promise<PeerEvent> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.events.find((event) => event.event === name && isIt(event));
      if (found !== undefined) return found;
      if (this.process.exitCode !== undefined || performance.now() > deadline) {
        throw new Error(
          `Expected our event "${name}" within ${timeoutMs / 1000} s, got\n${this.process.tail}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Waits until it knows of a peer by this source. Errors: as `whenEvent`. */
  async hears(endpoint: string, source: string, timeoutMs: number): Promise<void> {
    await this.whenEvent(
      "peers",
      timeoutMs,
      (event) => event.source === source && (event.peers as string[]).includes(endpoint),
    );
  }

  /**
   * Payload bytes it has sent by now. It must have sent some in the last seconds, or it tells no more of it.
   *
   * Errors: as `whenEvent`.
   */
  async uploaded(timeoutMs: number): Promise<number> {
    const earlier = new Set(this.events);
    // What is told next may have been counted before now, but not what is told after that.
    const next = await this.whenEvent("progress", timeoutMs, (event) => !earlier.has(event));
    earlier.add(next);
    const { uploaded } = await this.whenEvent("progress", timeoutMs, (event) => !earlier.has(event));
    return uploaded as number;
  }
}
