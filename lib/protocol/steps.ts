/**
 * Work on input from outside that may be large. It pauses after a few milliseconds at most, so that its caller can let
 * other work go on.
 */
export type Steps<T> = Generator<void, T>;

/** Runs such work without a pause. Errors: what it throws. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
