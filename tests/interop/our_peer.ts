/** Our program as a child process, watched through `--progress json`. */
import { type PeerEvent, peerLaunch, readEvent } from "../bench/deno_launch.ts";
import { RunningProcess, type Spawn } from "./process.ts";

const POLL_MS = 50;

/** One process of our program. Its folders lie below `home`. */
export class OurPeer {
  readonly home: string;
  readonly process: RunningProcess;
  readonly events: PeerEvent[] = [];

  /** Starts `peer start` with these arguments. */
  constructor(home: string, args: readonly string[], spawn: Spawn) {
    this.home = home;
    const launch = peerLaunch(
      ["start", `--home=${home}`, "--progress=json", "--log-level=info", ...args],
      home,
    );
    this.process = new RunningProcess(launch, (line) => this.events.push(readEvent(line)), spawn);
  }

  /** Where its finished data lies. */
  get shareable(): string {
    return `${this.home}/shareable`;
  }

  /** The first event of this name, past or to come. Errors: `Error` after `timeoutMs`, or when the process ends. */
  async whenEvent(name: string, timeoutMs: number): Promise<PeerEvent> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.events.find(({ event }) => event === name);
      if (found !== undefined) return found;
      if (this.process.exitCode !== undefined || performance.now() > deadline) {
        throw new Error(
          `Expected our event "${name}" within ${timeoutMs / 1000} s, got\n${this.process.tail}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
