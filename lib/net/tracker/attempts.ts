import { TrackerError } from "../../errors.ts";
import { sleep } from "../peers/rate_limiter.ts";

/**
 * Attempts something with one target after another until one answers. The next attempt begins when the one before it
 * has failed, or has not answered within `patienceMs`. The first answer ends all other attempts.
 *
 * Errors: as for `firstOf`. Nothing is left running.
 */
export async function inTurn<Target, Answer>(
  targets: readonly Target[],
  attempt: (target: Target, signal: AbortSignal) => Promise<Answer>,
  signal: AbortSignal,
  patienceMs: number,
): Promise<Answer> {
  const ending = new AbortController();
  const anyEnd = AbortSignal.any([signal, ending.signal]);
  const { promise: answered, resolve: tellAnswer } = Promise.withResolvers<true>();
  const attempts: Promise<Answer>[] = [];
  try {
    for (const target of targets) {
      const latest = attempt(target, anyEnd);
      latest.then(() => tellAnswer(true), () => {});
      attempts.push(latest);
      const hasFailed = latest.then(() => true, () => false);
      const isLate = sleep(patienceMs, anyEnd).then(() => false, () => false);
      if (await Promise.race([answered, hasFailed, isLate])) break;
    }
    return await firstOf(attempts);
  } finally {
    ending.abort();
    await Promise.allSettled(attempts);
  }
}

/**
 * The first answer of several attempts. Rejects when all of them do, with the most telling error: a tracker that was
 * reached by one attempt is not out of reach, whatever happened to the others.
 */
export async function firstOf<Answer>(attempts: readonly Promise<Answer>[]): Promise<Answer> {
  try {
    return await Promise.any(attempts);
  } catch (error) {
    const { errors } = error as AggregateError;
    throw errors.find((each) => each instanceof TrackerError && !each.isOutage) ?? errors[0];
  }
}
