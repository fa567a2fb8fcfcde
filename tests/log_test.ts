import assert from "node:assert/strict";
import { createLogger, LOG_LEVELS } from "../lib/log.ts";

Deno.test("createLogger writes lines of its level and above, each with local time and level", () => {
  const isUtc = new Date().getTimezoneOffset() === 0;
  for (const [position, level] of LOG_LEVELS.entries()) {
    const lines: string[] = [];
    const log = createLogger(level, (line) => lines.push(line));
    for (const each of LOG_LEVELS) log[each]("text");
    assert.equal(lines.length, position + 1);
    for (const line of lines) {
      const [time, name, text] = line.split(" ");
      assert.match(time, isUtc ? /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ : /^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d$/);
      assert(Math.abs(Date.parse(time) - Date.now()) < 60_000);
      assert.equal(Number(time.slice(11, 13)), new Date(time).getHours());
      assert((LOG_LEVELS as readonly string[]).includes(name));
      assert.equal(text, "text");
    }
  }
});

Deno.test("createLogger tells the same failure of a subject once, until it changes or is over", () => {
  const lines: string[] = [];
  const log = createLogger("info", (line) => lines.push(line.slice(line.indexOf(" ") + 1)));
  log.works("tracker a");
  for (let round = 0; round < 3; round++) {
    log.warn("tracker a: refused", "tracker a");
    log.warn("tracker b: refused", "tracker b");
  }
  log.warn("tracker a: no answer", "tracker a");
  log.works("tracker a");
  log.works("tracker a");
  log.warn("tracker a: no answer", "tracker a");
  log.warn("nothing in particular");
  log.warn("nothing in particular");
  assert.deepEqual(lines, [
    "warn tracker a: refused",
    "warn tracker b: refused",
    "warn tracker a: no answer",
    "info tracker a works again",
    "warn tracker a: no answer",
    "warn nothing in particular",
    "warn nothing in particular",
  ]);
});

Deno.test("createLogger leaves out what could harm a terminal, forge a line or is secret in a URL", () => {
  const lines: string[] = [];
  createLogger("warn", (line) => lines.push(line)).warn(
    "a\x1b[2J\x9b31m\r\nforged\u2028\u202e http://user:SECRET@h:1/SECRET?key=SECRET",
  );
  assert.match(lines[0], / warn a�\[2J�31m��forged�� http:\/\/h:1\/…$/);
});
