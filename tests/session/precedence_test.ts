import assert from "node:assert/strict";
import { join } from "node:path";
import { inForce } from "../../lib/precedence.ts";
import { defaultOptions, Session } from "../../lib/session/session.ts";

Deno.test("inForce: command line, kept choice, peer.toml, default; the first that says something wins", () => {
  const layers = {
    commandLine: { a: 1, b: undefined },
    kept: { a: 2, b: 2, c: undefined },
    file: { a: 3, b: 3, c: 3, d: undefined },
    defaults: { a: 4, b: 4, c: 4, d: 4 },
  };
  assert.deepEqual(inForce<Record<string, number>>(layers), { a: 1, b: 2, c: 3, d: 4 });
  assert.deepEqual(inForce<{ a: number }>({}), {});
  // What is said may be false, zero or no limit.
  assert.deepEqual(inForce<{ a: unknown }>({ commandLine: { a: false }, defaults: { a: true } }), {
    a: false,
  });
});

Deno.test("a session takes choices in this order, over restarts", async () => {
  const home = await Deno.makeTempDir();
  const quiet = { host: "127.0.0.1", port: 0, runTracker: false, localDiscovery: false };
  const configured = { choices: { maxUpload: 3_000, uploadSlots: 3, rechokeMs: 3_000 }, files: {} };
  const start = (choices = {}) => Session.start({ ...defaultOptions(home), ...quiet, choices, configured });
  const first = await start({ maxUpload: 1_000 });
  assert.deepEqual(first.choices(), { maxUpload: 1_000, uploadSlots: 3, rechokeMs: 3_000 });
  await first.choose({ uploadSlots: 2, maxUpload: 2_000 });
  await first.stop();
  const second = await start({ rechokeMs: 1_000 });
  assert.deepEqual(second.choices(), { maxUpload: 2_000, uploadSlots: 2, rechokeMs: 1_000 });
  // A choice that is taken back returns to the file, not to the default.
  await second.choose({ uploadSlots: undefined });
  assert.equal(second.choices().uploadSlots, 3);
  await second.stop();
  await Deno.remove(join(home), { recursive: true });
});
