/** What a process holds, as Linux tells it under `/proc`, and whether that grows. */
import { statusBytes } from "../harness/processes/process_status.ts";

/** One look at a process. */
export interface Sample {
  /** Seconds since the first look. */
  readonly seconds: number;
  /** All memory that is in use, mapped files included, in bytes. */
  readonly residentBytes: number;
  /** What it allocated itself: heap and buffers, in bytes. */
  readonly anonymousBytes: number;
  /** Open files and sockets. */
  readonly descriptors: number;
}

/** Looks at a process. Errors: `Deno.errors.NotFound` when it is gone. */
export function sampleOf(pid: number, seconds: number): Sample {
  const bytes = (field: string) => statusBytes(pid, field) ?? NaN;
  const descriptors = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  return { seconds, residentBytes: bytes("VmRSS"), anonymousBytes: bytes("RssAnon"), descriptors };
}

/**
 * How much a value grows in an hour, by least squares over the second half of the samples: by then caches are full.
 *
 * Units: those of the value. NaN for less than two samples in that half.
 */
export function growthPerHour(samples: readonly Sample[], valueOf: (sample: Sample) => number): number {
  const half = samples.slice(Math.floor(samples.length / 2));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const times = half.map(({ seconds }) => seconds / 3_600);
  const values = half.map(valueOf);
  const [meanTime, meanValue] = [mean(times), mean(values)];
  const covariance = mean(times.map((time, i) => (time - meanTime) * (values[i] - meanValue)));
  return covariance / mean(times.map((time) => (time - meanTime) ** 2));
}
