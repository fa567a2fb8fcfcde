import assert from "node:assert/strict";
import { isWithin, readSpan } from "../../lib/swarm/time_of_week.ts";

const [SUNDAY, MONDAY, SATURDAY] = [0, 1, 6];

Deno.test("isWithin knows spans of one day and over midnight, also from Saturday to Sunday", () => {
  const office = { fromMinute: 9 * 60, toMinute: 17 * 60, days: 0b0111110 };
  const night = { fromMinute: 22 * 60, toMinute: 6 * 60, days: 0b1000001 };
  const cases: readonly (readonly [typeof office, number, number, boolean])[] = [
    [office, MONDAY, 9 * 60 - 1, false],
    [office, MONDAY, 9 * 60, true],
    [office, MONDAY, 17 * 60 - 1, true],
    [office, MONDAY, 17 * 60, false],
    [office, SUNDAY, 12 * 60, false],
    [night, SATURDAY, 21 * 60, false],
    [night, SATURDAY, 23 * 60, true],
    [night, SUNDAY, 5 * 60, true],
    [night, SUNDAY, 6 * 60, false],
    [night, SUNDAY, 22 * 60, true],
    [night, MONDAY, 0, true],
    [night, MONDAY, 22 * 60, false],
    [night, SATURDAY, 5 * 60, false],
    [{ fromMinute: 60, toMinute: 60, days: 127 }, MONDAY, 60, false],
    [{ fromMinute: 0, toMinute: 1_440, days: 127 }, MONDAY, 1_439, true],
  ];
  for (const [span, day, minute, expected] of cases) {
    assert.equal(isWithin(span, { day, minute }), expected, JSON.stringify([span, day, minute]));
  }
});

Deno.test("readSpan reads what a span can be, and nothing else", () => {
  const span = { fromMinute: 0, toMinute: 1_440, days: 127 };
  assert.deepEqual(readSpan({ ...span, more: 1 }), span);
  const bad = [
    null,
    "none",
    3,
    [],
    { ...span, days: 128 },
    { ...span, fromMinute: 1_440 },
    {
      ...span,
      toMinute: 1_441,
    },
    { ...span, fromMinute: -1 },
    { ...span, toMinute: 1.5 },
    { ...span, days: "1" },
  ];
  for (const value of bad) assert.equal(readSpan(value), undefined, JSON.stringify(value));
});
