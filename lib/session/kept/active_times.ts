/** How long a torrent was downloaded and seeded in all runs, in ms. */
export interface Times {
  readonly downloadingMs: number;
  readonly seedingMs: number;
}

/** Reads saved times, which may be malformed. */
export function readTimes(saved: unknown): Times {
  const { downloadingMs, seedingMs } = Object(saved) as Partial<Record<keyof Times, unknown>>;
  return { downloadingMs: durationOf(downloadingMs), seedingMs: durationOf(seedingMs) };
}

function durationOf(value: unknown): number {
  return typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : 0;
}
