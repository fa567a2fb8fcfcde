/** A daily span of time on some days of the week, by the clock on the wall. */
export interface WeeklySpan {
  /** Minutes since midnight: the first that belongs to it, and the first that does not. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** A bit for each day on which it begins: 1 for Sunday, 2 for Monday, up to 64. */
  readonly days: number;
}

/** A moment within a week. */
export interface TimeOfWeek {
  /** From 0 for Sunday. */
  readonly day: number;
  /** Minutes since midnight. */
  readonly minute: number;
}

/** Minutes of a day. */
const DAY = 24 * 60;

/** Whether a moment is in a span; one that ends before it begins lasts until the next day. */
export function isWithin({ fromMinute, toMinute, days }: WeeklySpan, { day, minute }: TimeOfWeek): boolean {
  const beginsOn = (day: number) => (days & 1 << (day + 7) % 7) !== 0;
  if (fromMinute <= toMinute) return beginsOn(day) && minute >= fromMinute && minute < toMinute;
  return (beginsOn(day) && minute >= fromMinute) || (beginsOn(day - 1) && minute < toMinute);
}

/** A span as it was saved or sent; undefined for a value that is none. */
export function readSpan(value: unknown): WeeklySpan | undefined {
  const { fromMinute, toMinute, days } = Object(value) as Partial<WeeklySpan>;
  const isIn = (number: unknown, last: number): number is number =>
    Number.isInteger(number) && (number as number) >= 0 && (number as number) <= last;
  if (!isIn(fromMinute, DAY - 1) || !isIn(toMinute, DAY) || !isIn(days, 127)) return undefined;
  return { fromMinute, toMinute, days };
}
