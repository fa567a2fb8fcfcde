import assert from "node:assert/strict";
import { BLOCK_LENGTH } from "../../../lib/protocol/piece_layout.ts";
import { TRANSFER } from "../../../lib/settings.ts";
import { RateMeter, RequestWindow } from "../../../lib/swarm/peers/rates.ts";

const WINDOW_MS = TRANSFER.rateWindowMs;

/** Adds `bytes` every 100 ms from `from` until before `to`. */
function feed(meter: RateMeter, bytes: number, from: number, to: number): void {
  for (let now = from; now < to; now += 100) meter.add(bytes, now);
}

/** The window is made of whole seconds, so up to one of them may be missing from it. */
function assertAbout(rate: number, expected: number): void {
  assert(rate <= expected * 1.001 && rate >= expected * 0.94, `expected about ${expected}, got ${rate}`);
}

Deno.test("RateMeter divides what came in the last 20 seconds by 20 seconds", () => {
  const meter = new RateMeter();
  feed(meter, 1_000, 5_000, 65_000);
  assertAbout(meter.bytesPerSecond(65_000), 10_000);
  feed(meter, 3_000, 65_000, 75_000);
  assertAbout(meter.bytesPerSecond(75_000), 20_000);
  assert.equal(meter.total, 60 * 10_000 + 10 * 30_000);
});

Deno.test("RateMeter divides by its age while it is young, but at least by a second", () => {
  const meter = new RateMeter();
  assert.equal(meter.bytesPerSecond(7_000), 0);
  meter.add(5_000, 7_000);
  assert.equal(meter.bytesPerSecond(7_000), 5_000);
  assert.equal(meter.bytesPerSecond(7_900), 5_000);
  assert.equal(meter.bytesPerSecond(12_000), 1_000);
});

Deno.test("RateMeter forgets what is older than its window, also after a long silence or a jump", () => {
  const meter = new RateMeter();
  feed(meter, 1_000, 0, 30_000);
  assertAbout(meter.bytesPerSecond(30_999 + WINDOW_MS / 2), 4_500);
  assert.equal(meter.bytesPerSecond(30_000 + WINDOW_MS), 0);
  meter.add(2_000, 10 * 86_400_000);
  assert.equal(meter.bytesPerSecond(10 * 86_400_000), 2_000 * 1_000 / WINDOW_MS);
  assert.equal(meter.total, 302_000);
});

Deno.test("RateMeter takes a clock that stands still or steps back a little", () => {
  const meter = new RateMeter();
  meter.add(1_000, 5_000);
  meter.add(1_000, 4_000);
  assert.equal(meter.bytesPerSecond(5_000), 2_000);
  assert.equal(meter.bytesPerSecond(5_000 + WINDOW_MS + 1_000), 0);
});

Deno.test("RequestWindow begins with enough for a small file", () => {
  assert.equal(new RequestWindow().blocks, TRANSFER.firstWindow);
});

/** The window after one second at a rate in bytes per second, read every `everyMs` and answered after `latencyMs`. */
function windowAt(rate: number, everyMs = 10, latencyMs = 0): number {
  const window = new RequestWindow();
  for (let now = 0; now <= 1_000; now += everyMs) window.received(rate * everyMs / 1_000, latencyMs, now);
  return window.blocks;
}

Deno.test("RequestWindow holds what arrives in its time at the present rate, and a few more", () => {
  const rate = 100 * BLOCK_LENGTH * 1_000 / TRANSFER.windowMs;
  const blocks = windowAt(rate, 1);
  const own = 100 * (1 + 2 / TRANSFER.windowMs) + TRANSFER.windowGrowth;
  assert(blocks >= 100 && blocks <= own * 1.02, `${blocks} blocks`);
});

Deno.test("RequestWindow grows with the time a peer takes to answer, not with the queue it makes itself", () => {
  const rate = 50 * BLOCK_LENGTH * 1_000 / TRANSFER.windowMs;
  const prompt = windowAt(rate, 1);
  const slow = windowAt(rate, 1, 2 * TRANSFER.windowMs);
  assert(slow > 4 * prompt && slow < 6 * prompt, `${prompt} and ${slow} blocks`);
  const window = new RequestWindow();
  for (let now = 0; now <= 2_000; now++) window.received(rate / 1_000, now < 500 ? 0 : 1_000, now);
  assert(Math.abs(window.blocks - prompt) <= 3, `${prompt} and ${window.blocks} blocks`);
});

Deno.test("RequestWindow doubles with every second answer while a source gives all of it at once, after a pause", () => {
  const window = new RequestWindow();
  const windows: number[] = [];
  for (let step = 0; step < 8; step++) {
    windows.push(window.blocks);
    const arrived = window.blocks;
    for (let block = 0; block < arrived; block++) window.received(BLOCK_LENGTH, 250, step * 500);
  }
  // What follows from one answer is asked for after it, and shows in the next.
  for (let step = 2; step < windows.length; step++) {
    assert(windows[step] >= 1.9 * windows[step - 2], windows.join(", "));
  }
});

Deno.test("RequestWindow grows out of being the limit itself, however quick the answers", () => {
  const window = new RequestWindow();
  let now = 0;
  // Everything that was asked for comes within 10 ms: a rate that only a larger window can raise.
  for (let second = 0; second < 300; second++, now += 10) {
    for (let block = 0, { blocks } = window; block < blocks; block++) window.received(BLOCK_LENGTH, 10, now);
  }
  assert.equal(window.blocks, TRANSFER.maxWindow);
});

Deno.test("RequestWindow stays between its smallest and its largest value", () => {
  assert.equal(windowAt(1), TRANSFER.windowGrowth + 1);
  assert.equal(windowAt(1e12), TRANSFER.maxWindow);
});

Deno.test("RequestWindow follows a rate that falls within a second", () => {
  const window = new RequestWindow();
  for (let now = 0; now < 1_000; now += 10) window.received(1e6, 0, now);
  const fast = window.blocks;
  for (let now = 1_000; now < 2_000; now += 10) window.received(1e5, 0, now);
  assert(window.blocks < fast / 5, `${fast}, then ${window.blocks}`);
});
