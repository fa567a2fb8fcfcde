/** Numbers and times in the words of the page; the forms shared with the terminal are in `number_format.ts`. */
import { formatRate, percentOfPart } from "../ui/number_format.ts";

/** `1.5 MiB/s`; a dash where nothing moves. */
export function rate(bytesPerSecond: number | undefined): string {
  return bytesPerSecond ? formatRate(bytesPerSecond) : "–";
}

/** Whole percent of a part (0 to 1), rounded down so that 100 % means all. */
export function percent(part: number): string {
  return `${percentOfPart(Math.max(0, Math.min(1, part)))} %`;
}

/** A time that is only guessed: `about 2 min`. */
export function about(seconds: number): string {
  if (seconds < 8) return "a few seconds";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s`;
  if (seconds < 90) return "about a minute";
  if (seconds < 5_400) return `about ${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `about ${Math.round(seconds / 3_600)} h`;
  return `about ${Math.round(seconds / 86_400)} days`;
}

/** A time of day in the reader's own clock, such as `09:04`, with the date where it is not of today. */
export function clock(ms: number): string {
  const date = new Date(ms);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** `1 host`, `1,000 hosts`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
