import { TRANSFER } from "../../settings.ts";
import { BLOCK_LENGTH } from "../../protocol/piece_layout.ts";

const SLOT_MS = 1_000;
const SLOTS = TRANSFER.rateWindowMs / SLOT_MS;

/**
 * Bytes per second over a rolling window: the last `TRANSFER.rateWindowMs`, in slots of one second.
 *
 * This class alone measures every rate in the program. In its first seconds a meter divides by its own age (at least
 * one slot) instead of the whole window, so that newcomers compare fairly.
 */
export class RateMeter {
  /** Bytes ever counted. */
  total = 0;
  readonly #slots = new Float64Array(SLOTS);
  #sum = 0;
  /** Number of the newest slot: time divided by its length. */
  #newest = -1;
  #since = 0;

  /** Counts bytes at `now` (ms). */
  add(bytes: number, now: number): void {
    if (this.#newest < 0) this.#since = now;
    this.#advance(now);
    this.#slots[this.#newest % SLOTS] += bytes;
    this.#sum += bytes;
    this.total += bytes;
  }

  /** The rate at `now`, in bytes per second. */
  bytesPerSecond(now: number): number {
    if (this.#newest < 0) return 0;
    this.#advance(now);
    const age = Math.min(Math.max(now - this.#since, SLOT_MS), TRANSFER.rateWindowMs);
    return this.#sum * 1_000 / age;
  }

  /** The rate over the last second or two before `now`, in bytes per second. */
  bytesLately(now: number): number {
    if (this.#newest < 0) return 0;
    this.#advance(now);
    const bytes = this.#slots[this.#newest % SLOTS] + this.#slots[(this.#newest + SLOTS - 1) % SLOTS];
    return bytes * 1_000 / (SLOT_MS + now - this.#newest * SLOT_MS);
  }

  #advance(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (this.#newest < 0) this.#newest = slot;
    // After a jump of the clock, as when the computer slept, one round through the slots clears them all.
    const steps = Math.min(slot - this.#newest, SLOTS);
    for (let step = 1; step <= steps; step++) {
      const position = (slot - steps + step) % SLOTS;
      this.#sum -= this.#slots[position];
      this.#slots[position] = 0;
    }
    if (slot > this.#newest) this.#newest = slot;
    if (steps === SLOTS) this.#sum = 0;
  }
}

/** How often the request window adapts to the rate, in ms. A shorter period would measure single reads. */
const WINDOW_PERIOD_MS = 100;

/**
 * Decides how many blocks to keep asked-for at one source: those that arrive at its present rate in `TRANSFER.windowMs`
 * and twice its answering time, and a few more.
 *
 * A window below the bandwidth-delay product starves a fast link; above it, blocks queue at the source, where no other
 * peer can deliver them. The answering time is the least mean latency of any period, because later latencies contain
 * the queue that the window itself makes. It is the longest silence in this period where that is longer, as with
 * clients that answer in steps of half a second. It counts twice, and a few blocks are added, so that the window grows
 * as long as only the window limits the rate.
 */
export class RequestWindow {
  #blocks: number = TRANSFER.firstWindow;
  #bytes = 0;
  #latencySum = 0;
  #received = 0;
  #answeringMs = Infinity;
  #silenceMs = 0;
  #lastAt = -1;
  #periodStart = -1;

  /** Blocks to keep asked-for, regardless of the peer's own limit. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Counts a block of `bytes` that came at `now`, `latencyMs` after it was asked for, and adapts once per period. */
  received(bytes: number, latencyMs: number, now: number): void {
    if (this.#periodStart < 0) this.#periodStart = this.#lastAt = now;
    this.#bytes += bytes;
    this.#latencySum += latencyMs;
    this.#received++;
    this.#silenceMs = Math.max(this.#silenceMs, now - this.#lastAt);
    this.#lastAt = now;
    const elapsed = now - this.#periodStart;
    if (elapsed < WINDOW_PERIOD_MS) return;
    this.#answeringMs = Math.min(this.#answeringMs, this.#latencySum / this.#received);
    const coveredMs = TRANSFER.windowMs + 2 * Math.max(this.#answeringMs, this.#silenceMs);
    const blocks = Math.ceil(this.#bytes * coveredMs / elapsed / BLOCK_LENGTH) + TRANSFER.windowGrowth;
    this.#blocks = Math.min(blocks, TRANSFER.maxWindow);
    this.#bytes = 0;
    this.#latencySum = 0;
    this.#received = 0;
    this.#silenceMs = 0;
    this.#periodStart = now;
  }
}
