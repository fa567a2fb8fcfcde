import { setImmediate } from "node:timers/promises";
import type { Steps } from "../protocol/steps.ts";
import { STORAGE } from "../settings.ts";

/** Runs work in slices of `STORAGE.sliceMs`, and lets everything else have a turn in between. Errors: what it throws. */
export async function inSlices<T>(steps: Steps<T>): Promise<T> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - began < STORAGE.sliceMs) continue;
    await setImmediate();
    began = performance.now();
  }
}
