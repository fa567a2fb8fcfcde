/**
 * Work on input from outside that may be large: it pauses every few milliseconds at the most, so that whoever runs it
 * can let others have a turn.
 */
export type Steps<T> = Generator<void, T>;

/** Runs such work without a pause. Errors: what it throws. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
