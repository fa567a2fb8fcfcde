import { CONNECTIONS } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";
import type { PeerSource } from "../ports.ts";

/**
 * Reports that other peers are known than before. The first report goes out at once, but reports are limited in time:
 * each carries the names of all known peers, and remote peers can cause as many as they like. `now` in ms.
 */
export class PeerNews {
  readonly #tell: (source: PeerSource) => void;
  readonly #allowance = new Allowance(CONNECTIONS.peerNews);
  /** Where the news that was not told yet came from. */
  #untold: PeerSource | undefined;

  /** `tell` hears where the news came from; when it tells several at once, where the last came from. */
  constructor(tell: (source: PeerSource) => void) {
    this.#tell = tell;
  }

  /** The known peers have changed. */
  changed(source: PeerSource, now: number): void {
    this.#untold = source;
    this.tick(now);
  }

  /** Tells what is still untold, as soon as that is allowed. */
  tick(now: number): void {
    if (this.#untold === undefined || !this.#allowance.take(now)) return;
    const source = this.#untold;
    this.#untold = undefined;
    this.#tell(source);
  }
}
