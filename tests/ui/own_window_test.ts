import assert from "node:assert/strict";
import { mayCloseItsWindow } from "../../lib/ui/own_window.ts";

Deno.test("a compiled program on Windows may have got its window by a double click, or by files dropped on it", () => {
  const on = (...args: string[]) => mayCloseItsWindow(args, "windows", true);
  assert.ok(on());
  assert.ok(on("C:\\my files\\a.torrent", "\\\\server\\share\\b.torrent"));
  assert.ok(!on("a.torrent"));
  assert.ok(!on("start"));
  assert.ok(!on("--home", "C:\\home"));
  assert.ok(!mayCloseItsWindow([], "windows", false));
  assert.ok(!mayCloseItsWindow([], "linux", true));
});
