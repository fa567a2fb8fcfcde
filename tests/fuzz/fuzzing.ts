import { messageOf } from "../../lib/errors.ts";
import { seededRandom } from "../harness/data/random.ts";
import type { Target } from "./target.ts";

/** No input may take longer. */
const MAX_INPUT_MS = 1_000;
/** What takes longer is given again: it may be the machine that was busy, or the collector. */
const SUSPICIOUS_MS = 20;
/** Memory still held when all inputs are done. */
const MAX_GROWTH_MIB = 64;
/** Inputs before memory is first measured: by then code is compiled and caches are filled. */
const WARM_UP = 1_000;

/** What one run over a target found. */
interface Outcome {
  readonly inputs: number;
  /** Inputs that gave a value. */
  readonly values: number;
  /** Inputs refused with the error the decoder promises. */
  readonly errors: number;
  readonly slowestMs: number;
  readonly growthMib: number;
}

/**
 * Gives a target many inputs.
 *
 * Errors: an `Error` that names the input when the decoder throws anything but its defined error, breaks an
 * assertion or takes too long; and one when memory grew, measured where the collector can be called.
 */
export function fuzz(target: Target, inputs: number, seed: number): Outcome {
  const random = seededRandom(seed);
  let values = 0, slowestMs = 0, heapBefore = 0;
  for (let ordinal = 0; ordinal < inputs; ordinal++) {
    if (ordinal === Math.min(WARM_UP, inputs - 1)) heapBefore = heapBytes();
    const input = target.mutate(target.seeds, random);
    const first = give(target, input, ordinal);
    let elapsedMs = first.elapsedMs;
    for (let again = 0; again < 3 && elapsedMs > SUSPICIOUS_MS; again++) {
      elapsedMs = Math.min(elapsedMs, give(target, input, ordinal).elapsedMs);
    }
    if (elapsedMs > MAX_INPUT_MS) throw failure(target, ordinal, input, `took ${Math.round(elapsedMs)} ms`);
    if (first.isValue) values++;
    slowestMs = Math.max(slowestMs, elapsedMs);
  }
  const growthMib = (heapBytes() - heapBefore) / 2 ** 20;
  if (canCollect() && growthMib > MAX_GROWTH_MIB) {
    throw new Error(
      `${target.name}: expected at most ${MAX_GROWTH_MIB} MiB held, got ${Math.round(growthMib)}`,
    );
  }
  return { inputs, values, errors: inputs - values, slowestMs, growthMib };
}

/** Runs one input; whether it gave a value, and how long it took. */
function give(target: Target, input: Uint8Array, ordinal: number) {
  let isValue = true;
  const start = performance.now();
  try {
    target.run(input, seededRandom(ordinal));
  } catch (error) {
    if (target.error === undefined || !(error instanceof target.error)) {
      throw failure(target, ordinal, input, error);
    }
    isValue = false;
  }
  return { isValue, elapsedMs: performance.now() - start };
}

function failure(target: Target, ordinal: number, input: Uint8Array, problem: unknown): Error {
  const shown = input.subarray(0, 4096).toHex();
  return new Error(
    `${target.name}, input ${ordinal}: ${messageOf(problem)}\n${input.length} bytes: ${shown}`,
    {
      cause: problem,
    },
  );
}

/** Whether the collector can be called: `--v8-flags=--expose-gc`. */
function canCollect(): boolean {
  return "gc" in globalThis;
}

function heapBytes(): number {
  if (canCollect()) (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
