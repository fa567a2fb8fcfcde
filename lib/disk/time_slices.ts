import { setTimeout as delay } from "node:timers/promises";
import type { Steps } from "../protocol/steps.ts";
import { STORAGE } from "../settings.ts";

/**
 * Gives way to all other work. `setImmediate` would not do: while it is called again and again, Deno looks at sockets
 * only once in a second.
 */
export async function giveWay(): Promise<void> {
  await delay(0);
}

/** Runs work in slices of `STORAGE.sliceMs`, and gives way in between. Errors: those of the work. */
export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - began < STORAGE.sliceMs) continue;
    await giveWay();
    began = performance.now();
  }
}
