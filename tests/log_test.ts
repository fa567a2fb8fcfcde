import assert from "node:assert/strict";
import { createLogger, LOG_LEVELS } from "../lib/log.ts";

Deno.test("createLogger writes lines of its level and above, each with time and level", () => {
  for (const [position, level] of LOG_LEVELS.entries()) {
    const lines: string[] = [];
    const log = createLogger(level, (line) => lines.push(line));
    for (const each of LOG_LEVELS) log[each]("text");
    assert.equal(lines.length, position + 1);
    for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z (error|warn|info|debug) text$/);
  }
});

Deno.test("createLogger leaves out what could harm a terminal, forge a line or is secret in a URL", () => {
  const lines: string[] = [];
  createLogger("warn", (line) => lines.push(line)).warn(
    "a\x1b[2J\x9b31m\r\nforged\u2028\u202e http://user:SECRET@h:1/SECRET?key=SECRET",
  );
  assert.match(lines[0], / warn a�\[2J�31m��forged�� http:\/\/h:1\/…$/);
});
