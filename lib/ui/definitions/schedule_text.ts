/** A weekly schedule as people write it: `22:00-06:00`, `mon-fri 08:00-17:00`, `sat,sun 00:00-24:00`. */
import type { WeeklySpan } from "../../session/session.ts";
import { refuse } from "../option_values.ts";

/** The days in the order of the bits of `WeeklySpan.days`. */
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const EVERY_DAY = 127;

/** Reads a schedule; "none" stands for none. Without days it holds on each. Errors: `RangeError`. */
export function parseSchedule(text: string): WeeklySpan | "none" {
  const words = text.trim().toLowerCase();
  if (words === "none") return "none";
  const [, days, from, to] = /^(?:(\S+)\s+)?(\d{1,2}:\d{2})-(\d{1,2}:\d{2})$/.exec(words) ?? [];
  const fromMinute = minuteOf(from);
  const toMinute = minuteOf(to);
  const bits = days === undefined ? EVERY_DAY : bitsOf(days);
  if (fromMinute === undefined || fromMinute === 24 * 60 || toMinute === undefined || bits === undefined) {
    return refuse("hours such as 22:00-06:00 or 'mon-fri 08:00-17:00', or none", text);
  }
  return { fromMinute, toMinute, days: bits };
}

/** The text of a schedule, which `parseSchedule` reads. */
export function formatSchedule({ fromMinute, toMinute, days }: WeeklySpan): string {
  const hours = `${timeText(fromMinute)}-${timeText(toMinute)}`;
  if (days === EVERY_DAY) return hours;
  return `${DAYS.filter((_, day) => days & 1 << day).join(",")} ${hours}`;
}

/** Minutes since midnight of `8:30`; undefined for no time of a day. */
function minuteOf(text: string | undefined): number | undefined {
  const [hour, minute] = (text ?? "").split(":").map(Number);
  return minute < 60 && hour * 60 + minute <= 24 * 60 ? hour * 60 + minute : undefined;
}

/** The bits of `mon,wed-fri`; undefined where a word is no day. A span may run over the end of a week. */
function bitsOf(text: string): number | undefined {
  let bits = 0;
  for (const part of text.split(",")) {
    const [first, last = first, ...more] = part.split("-").map((day) => DAYS.indexOf(day));
    if (first < 0 || last < 0 || more.length > 0) return undefined;
    for (let day = first;; day = (day + 1) % DAYS.length) {
      bits |= 1 << day;
      if (day === last) break;
    }
  }
  return bits;
}

function timeText(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((part) => `${part}`.padStart(2, "0")).join(":");
}
