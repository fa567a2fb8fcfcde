/** Writes numbers for people, in the terminal and on the page. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `0 B`, `16 KiB`, `1.5 MiB`: at most three digits. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  // 999.5 would round to four digits, so it is shown in the next unit.
  for (; bytes >= 999.5 && unit < UNITS.length - 1; unit++) bytes /= 1024;
  return `${Number(bytes.toFixed(bytes < 9.95 ? 1 : 0))} ${UNITS[unit]}`;
}

/** `1.5 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** `42s`, `3m05s`, `2h07m`, `5d`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const padded = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${padded(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h${padded(whole % 3600 / 60)}m`;
  return `${Math.floor(whole / 86400)}d`;
}

/** Whole percent, rounded down so that 100 means all. */
export function percentOf(have: number, total: number): number {
  return total === 0 ? 100 : Math.floor(have / total * 100);
}

/** The same for a part (0 to 1). */
export function percentOfPart(part: number): number {
  // A part such as 29/100 is a little below its hundredth as a binary number.
  return Math.floor(part * 100 + 1e-9);
}
