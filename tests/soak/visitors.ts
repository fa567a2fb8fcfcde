import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";

/** A visitor stays in the swarm at least and at most this long, and the next one comes after at most the last. */
const MIN_STAY_MS = 3_000;
const MAX_STAY_MS = 35_000;
const MAX_PAUSE_MS = 2_000;

/** What visitors are made of. */
interface VisitorsContext {
  /** Where their homes are made, one after another. */
  readonly folder: string;
  /** Numbers in [0, 1). */
  random(): number;
  /** Starts a process in a home of its own that hears its events. */
  start(home: string, onEvent: (event: PeerEvent) => void): PeerRun;
}

/** Processes that download for a while and are gone again with all they got: stopped, or killed as by a crash. */
export class Visitors {
  /** How many came, were killed, and did not stop cleanly when told to; and pieces they got, all with the right hash. */
  came = 0;
  killed = 0;
  unclean = 0;
  pieces = 0;
  readonly #context: VisitorsContext;

  constructor(context: VisitorsContext) {
    this.#context = context;
  }

  /** One place: a visitor after the other until aborted. Errors: `Error` when one ends by itself. */
  async run(signal: AbortSignal): Promise<void> {
    const { folder, random, start } = this.#context;
    while (!signal.aborted) {
      const home = join(folder, `visitor-${++this.came}`);
      await Deno.mkdir(home);
      let have = 0;
      const visitor = start(home, (event) => have = event.event === "progress" ? Number(event.have) : have);
      const stayMs = MIN_STAY_MS + random() * (MAX_STAY_MS - MIN_STAY_MS);
      const isKilled = random() < 0.5;
      try {
        await Promise.race([visitor.ended, visitor.joined.then(() => this.#wait(stayMs, signal))]);
      } finally {
        // One that ended by itself failed the race above.
        if (isKilled) await visitor.kill();
        else if (!await visitor.stop()) this.unclean++;
        await Deno.remove(home, { recursive: true });
      }
      this.pieces += have;
      if (isKilled) this.killed++;
      await this.#wait(random() * MAX_PAUSE_MS, signal);
    }
  }

  /** Ends early when aborted. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    await pause(ms, undefined, { signal }).catch(() => {});
  }
}
