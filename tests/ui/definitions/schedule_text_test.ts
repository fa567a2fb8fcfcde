import assert from "node:assert/strict";
import { formatSchedule, parseSchedule } from "../../../lib/ui/definitions/schedule_text.ts";

/** Reads a schedule and writes it again. */
function again(text: string): string {
  const span = parseSchedule(text);
  return span === "none" ? span : formatSchedule(span);
}

Deno.test("a schedule is read as people write it", () => {
  assert.deepEqual(parseSchedule("22:00-06:00"), { fromMinute: 1320, toMinute: 360, days: 127 });
  assert.deepEqual(parseSchedule("mon-fri 8:00-17:30"), { fromMinute: 480, toMinute: 1050, days: 62 });
  assert.deepEqual(parseSchedule("SAT,sun  00:00-24:00"), { fromMinute: 0, toMinute: 1440, days: 65 });
  assert.deepEqual(parseSchedule("fri-mon 0:00-1:00"), { fromMinute: 0, toMinute: 60, days: 99 });
  assert.equal(parseSchedule("none"), "none");
});

Deno.test("a schedule is shown as it can be typed", () => {
  for (const text of ["22:00-06:00", "none", "mon,tue 00:05-24:00", "sun,sat 08:00-17:00"]) {
    assert.equal(again(text), text);
  }
});

Deno.test("what is no schedule is refused", () => {
  const bad = [
    "",
    "8-17",
    "08:00",
    "08:60-09:00",
    "25:00-26:00",
    "24:00-06:00",
    "08:00-24:01",
    "monday 1:00-2:00",
  ];
  for (const text of [...bad, "mon- 1:00-2:00", "mon-tue-wed 1:00-2:00", "mon 1:00-2:00 x", "-1:00-2:00"]) {
    assert.throws(() => parseSchedule(text), /^RangeError: Expected hours such as 22:00-06:00/, text);
  }
});
