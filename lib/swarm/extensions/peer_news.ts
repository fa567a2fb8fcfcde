import { CONNECTIONS } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";
import type { PeerSource } from "../ports.ts";

/**
 * Tells that other peers are known than before: at once, but only so often, for it is told with all their names and
 * others can bring it about as often as they like. `now` in ms.
 */
export class PeerNews {
  readonly #tell: (source: PeerSource) => void;
  readonly #allowance = new Allowance(CONNECTIONS.peerNews);
  /** Who brought news that was not told yet. */
  #untold: PeerSource | undefined;

  /** `tell` hears where the news come from; of several that are told together, the last. */
  constructor(tell: (source: PeerSource) => void) {
    this.#tell = tell;
  }

  /** There is news. */
  changed(source: PeerSource, now: number): void {
    this.#untold = source;
    this.tick(now);
  }

  /** Tells what is untold, as soon as it may be told. */
  tick(now: number): void {
    if (this.#untold === undefined || !this.#allowance.take(now)) return;
    const source = this.#untold;
    this.#untold = undefined;
    this.#tell(source);
  }
}
