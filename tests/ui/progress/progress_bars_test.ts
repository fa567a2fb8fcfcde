import assert from "node:assert/strict";
import { fakeInfoHash, peerSnapshot, swarmSnapshot } from "../../harness/sessions/snapshots.ts";
import { FakeTerminal } from "../../harness/processes/fake_terminal.ts";
import type { RoomView } from "../../../lib/session/session.ts";
import { swarmLines } from "../../../lib/ui/progress/bar_lines.ts";
import { ProgressBars } from "../../../lib/ui/progress/progress_bars.ts";
import { widthOf } from "../../../lib/ui/text_format.ts";

const SEED = peerSnapshot({
  endpoint: "192.168.1.20:6881",
  have: 19,
  downloadRate: 1_258_291,
  isDownloadSource: true,
});
const LEECH = peerSnapshot({
  endpoint: "192.168.1.30:6881",
  client: "Transmission 4.0.6",
  have: 9,
  uploadRate: 65_536,
  isUploadSlot: true,
});
const HALF = swarmSnapshot({
  have: 10,
  connections: 2,
  downloadRate: 1_258_291,
  uploadRate: 65_536,
  peers: [LEECH, SEED],
});

/** What is on a terminal after `use`, as far as the log line `drawn` makes the bars draw at once. */
function drawn(
  columns: number,
  rows: number,
  use: (bars: ProgressBars, terminal: FakeTerminal) => void,
): string[] {
  const terminal = new FakeTerminal(columns, rows);
  const bars = new ProgressBars(terminal);
  use(bars, terminal);
  bars.log("drawn");
  const lines = terminal.lines();
  bars.close();
  return lines;
}

Deno.test("ProgressBars shows torrents and peers with all their numbers on 80 columns", () => {
  assert.deepEqual(drawn(80, 24, (bars) => bars.tick([HALF])), [
    "drawn",
    "age.txt        ██████░░░░░  52% ↓1.2 MiB/s ↑64 KiB/s  1s      10/19   2 peers",
    " ↓  192.168.1.20:6881  ██████████ 100% ↓1.2 MiB/s ↑0 B/s     peer 0.1.0",
    "  ↑ 192.168.1.30:6881  █████░░░░░  47% ↓0 B/s     ↑64 KiB/s  Transmission 4.0.6",
  ]);
});

Deno.test("ProgressBars gives names what they need of a wide terminal, and leaves the rest free", () => {
  const [, short, , peer] = drawn(200, 24, (bars) => bars.tick([HALF]));
  assert.deepEqual([short, peer].map((line) => line.search(/[█░]/)), [23, 23]);
  const name = "a name of some length ".repeat(3);
  const [, long] = drawn(200, 24, (bars) => bars.tick([{ ...HALF, name }]));
  assert.ok(long.startsWith(name));
  const [, longest] = drawn(300, 24, (bars) => bars.tick([{ ...HALF, name: name.repeat(9) }]));
  assert.ok(widthOf(longest) < 2 * 80, longest);
});

Deno.test("ProgressBars keeps what matters most on 40 columns", () => {
  assert.deepEqual(drawn(40, 24, (bars) => bars.tick([HALF])), [
    "drawn",
    "age.txt        ████░░░░  52% ↓1.2 MiB/s",
    " ↓  192.168.1.20:6881   100% ↓1.2 MiB/s",
    "  ↑ 192.168.1.30:6881    47% ↑64 KiB/s",
  ]);
});

Deno.test("ProgressBars never fills a line nor lets a name reach the terminal as control characters", () => {
  const name = "日本語\x1b[2J\x1b]0;title\x07\r\n" + "long ".repeat(50);
  const peers = [peerSnapshot({ endpoint: "[fd00:1234:5678::1]:6881", client: `evil\x1b[31m\u202e${name}` })];
  for (const columns of [1, 10, 40, 80, 120, 300]) {
    const lines = drawn(columns, 24, (bars, terminal) => {
      bars.tick([
        swarmSnapshot({ name, peers }),
        swarmSnapshot({ name, infoHash: fakeInfoHash("b"), failure: name }),
      ]);
      bars.log("");
      assert(terminal.unknownSequences.length === 0, `${terminal.unknownSequences}`);
    });
    for (const line of lines.filter((line) => !"drawn".includes(line))) {
      assert(widthOf(line) < Math.max(2, columns), `${columns}: ${line}`);
    }
  }
});

Deno.test("ProgressBars writes events and log lines above the bars, whole", () => {
  const lines = drawn(40, 24, (bars) => {
    bars.event({ event: "warning", code: "w", message: "before any bar" });
    bars.tick([HALF]);
    bars.log("a line of the log that is longer than the terminal is wide");
    bars.tick([{ ...HALF, have: 11, missing: 8, peers: [] }]);
    bars.log("short");
  });
  assert.deepEqual(lines, [
    "warning: before any bar",
    "a line of the log that is longer than th",
    "e terminal is wide",
    "short",
    "drawn",
    "age.txt        █████░░░  57% ↓1.2 MiB/s",
  ]);
});

Deno.test("ProgressBars leaves nothing behind when the terminal becomes narrower or wider", () => {
  for (const [before, after] of [[120, 40], [80, 41], [40, 120]]) {
    const lines = drawn(before, 24, (bars, terminal) => {
      bars.log("above");
      bars.tick([HALF]);
      bars.log("between");
      terminal.resize(after);
      bars.log("below");
    });
    assert.equal(lines.length, 7, lines.join("\n"));
    assert.deepEqual(lines.slice(0, 4), ["above", "between", "below", "drawn"]);
  }
});

Deno.test("ProgressBars leaves the terminal between two frames as others expect it, whatever ends the program", () => {
  const terminal = new FakeTerminal(80, 24);
  const bars = new ProgressBars(terminal);
  for (
    const step of [() => bars.tick([HALF]), () => bars.log("a"), () => bars.tick([]), () => bars.close()]
  ) {
    step();
    assert(terminal.isAsOthersExpect, String(step));
  }
});

Deno.test("ProgressBars goes on below what others wrote while it was stopped", () => {
  const terminal = new FakeTerminal(80, 24);
  const bars = new ProgressBars(terminal);
  bars.tick([{ ...HALF, peers: [] }]);
  terminal.interrupt("^Z", "[1]+  Stopped", "$ fg");
  bars.tick([{ ...HALF, peers: [], name: "later" }]);
  bars.close();
  assert.deepEqual(terminal.lines().map((line) => line.slice(0, 7).trim()), [
    "age.txt",
    "^Z",
    "[1]+  S",
    "$ fg",
    "later",
  ]);
});

Deno.test("ProgressBars counts rows as terminals do that wrap wide characters", () => {
  for (const [before, after] of [[60, 21], [100, 7], [80, 33]]) {
    const terminal = new FakeTerminal(before, 24);
    const bars = new ProgressBars(terminal);
    bars.log("above");
    bars.tick([swarmSnapshot({ name: "日本語の講義".repeat(9), failure: "講義".repeat(20) })]);
    terminal.resize(after);
    terminal.resize(before);
    assert.equal(terminal.lines().length, 2, terminal.lines().join("\n"));
    bars.close();
  }
});

Deno.test("ProgressBars takes half of a large screen at most, so that a resize pushes nothing out of it", () => {
  const swarms = Array.from({ length: 60 }, (_, i) => swarmSnapshot({ name: `file ${i}` }));
  for (const [rows, expected] of [[50, 25], [24, 12], [10, 8], [4, 3], [1, 1]]) {
    const terminal = new FakeTerminal(80, rows);
    const bars = new ProgressBars(terminal);
    bars.tick(swarms);
    assert.equal(terminal.lines().length, expected);
    bars.close();
  }
});

Deno.test("ProgressBars leaves the torrents without their peers at its end", () => {
  const terminal = new FakeTerminal(80, 24);
  const bars = new ProgressBars(terminal);
  bars.tick([HALF]);
  bars.log("draw");
  bars.close();
  assert.deepEqual(terminal.lines().map((line) => line.slice(0, 7)), ["draw", "age.txt"]);
});

Deno.test("swarmLines shows at most as many lines as fit and says how many more there are", () => {
  const peers = Array.from({ length: 50 }, (_, i) => peerSnapshot({ endpoint: `10.0.0.${i}:6881` }));
  const swarms = ["a", "b", "c"].map((digit) =>
    swarmSnapshot({ infoHash: fakeInfoHash(digit), peers: digit === "b" ? peers.slice(0, 2) : peers })
  );
  for (let maxLines = 1; maxLines < 200; maxLines++) {
    const lines = swarmLines(swarms, maxLines);
    assert(lines.length <= maxLines, `${lines.length} of ${maxLines}`);
    const hidden = lines.map((line) => /\+(\d+) more/.exec(line.label)).filter((match) => match !== null);
    const told = lines.filter((line) => !line.label.includes("torrents:")).length - hidden.length +
      hidden.reduce((sum, match) => sum + Number(match[1]), 0);
    if (maxLines >= 7) assert.equal(told, 3 + 50 + 2 + 50);
  }
  const labels = swarmLines(swarms, 9).map((line) => line.label.trim());
  assert.deepEqual(labels, [
    "3 torrents: 3 downloading  ↓0 B/s ↑0 B/s  0 peers",
    "age.txt",
    "+50 more",
    "age.txt",
    "10.0.0.0:6881",
    "10.0.0.1:6881",
    "age.txt",
    "10.0.0.0:6881",
    "+49 more",
  ]);
  assert.deepEqual(swarmLines(swarms, 2).map((line) => line.label), ["age.txt", "+2 more torrents"]);
});

Deno.test("swarmLines tells the totals of several torrents, and of many idle ones only how many they are", () => {
  const done = (digit: string) =>
    swarmSnapshot({ infoHash: fakeInfoHash(digit), have: 19, seeding: true, state: "seeding", name: digit });
  const idle = ["a", "b", "c", "d"].map(done);
  const paused = swarmSnapshot({ infoHash: fakeInfoHash("e"), name: "e", state: "paused" });
  const labels = (swarms: Parameters<typeof swarmLines>[0], maxLines = 20) =>
    swarmLines(swarms, maxLines).filter(({ label }) => !label.includes("6881")).map(({ label }) => label);
  assert.deepEqual(labels([HALF, ...idle.slice(0, 3)]), [
    "4 torrents: 1 downloading, 3 done  ↓1.2 MiB/s ↑64 KiB/s  2 peers",
    "age.txt",
    "a",
    "b",
    "c",
  ]);
  assert.deepEqual(labels([...idle, HALF, paused]), [
    "6 torrents: 4 done, 1 downloading, 1 paused  ↓1.2 MiB/s ↑64 KiB/s  2 peers",
    "age.txt",
    "+5 idle: 4 done, 1 paused",
  ]);
  // One whose room is not done yet is looked at, and a low terminal has lines for torrents alone.
  const room = { hosts: 3, done: 2, gone: 0, slow: 0, together: 0.9 };
  assert.ok(labels([...idle, { ...done("f"), room }]).includes("f"));
  assert.equal(labels([...idle, HALF], 5)[0], "a");
});

Deno.test("ProgressBars paints bars by their state, and leaves out what a whole torrent never takes", () => {
  const terminal = { columns: 80, rows: 24, text: "", write: (text: string) => void (terminal.text += text) };
  const bars = new ProgressBars(terminal, (text, style) => style === undefined ? text : `<${style} ${text}>`);
  bars.event({ event: "warning", code: "w", message: "mind" });
  bars.tick([swarmSnapshot({ have: 19, seeding: true, finished: true, state: "seeding", peers: [LEECH] })]);
  bars.close();
  assert.match(terminal.text, /<yellow warning: mind>/);
  assert.match(terminal.text, /age\.txt +<green █+>.* 100% ↑0 B\/s +seeding/);
  assert.match(terminal.text, /192\.168\.1\.30:6881 +<cyan █+><dim ░+> {2}47% ↑64 KiB\/s/);
});

Deno.test("swarmLines puts the peers that data is exchanged with first", () => {
  const idle = peerSnapshot({ endpoint: "10.0.0.1:6881" });
  const labels = swarmLines([swarmSnapshot({ peers: [idle, SEED] })], 10).map((line) => line.label.trim());
  assert.deepEqual(labels, ["age.txt", "↓  192.168.1.20:6881", "10.0.0.1:6881"]);
});

Deno.test("swarmLines calls peers by their names where they gave one, and sorts them by these", () => {
  const peers = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map((endpoint) => peerSnapshot({ endpoint }));
  const names = new Map([["10.0.0.1:1", "pc-02"], ["10.0.0.3:1", "pc-01"]]);
  const labels = swarmLines([{ ...swarmSnapshot({ peers }), names: () => names }], 9).map(({ label }) =>
    label.trim()
  );
  assert.deepEqual(labels, ["age.txt", "10.0.0.2:1", "pc-01", "pc-02"]);
});

Deno.test("swarmLines shows checking and the reason of a pause", () => {
  const [_totals, checking, paused] = swarmLines([
    swarmSnapshot({ checked: 5 }),
    swarmSnapshot({ failure: "no space left" }),
  ], 10);
  assert.equal(checking.value, 5);
  assert(checking.cells.some((cell) => cell.text === "checking"));
  assert.equal(paused.label, "age.txt: failed: no space left");
});

Deno.test("swarmLines says below a torrent why it waits, in as many lines as that takes", () => {
  const waiting = { reason: "nobody here has the data yet: tracker 10.0.0.5 fails", nextTryInMs: 11_200 };
  const labels = (maxLines: number, columns: number) =>
    swarmLines([swarmSnapshot({ waiting, peers: [LEECH] })], maxLines, columns).map(({ label }) => label);
  assert.deepEqual(labels(10, 79), [
    "age.txt",
    "  ↑ 192.168.1.30:6881",
    "  nobody here has the data yet: tracker 10.0.0.5 fails, next try in 12s",
  ]);
  assert.deepEqual(labels(10, 39).slice(2), [
    "  nobody here has the data yet: tracker",
    "  10.0.0.5 fails, next try in 12s",
  ]);
  assert.deepEqual(labels(2, 39), ["age.txt", "  nobody here has the data yet: tracke…"]);
  assert.deepEqual(labels(1, 39), ["age.txt"]);
});

Deno.test("swarmLines says of a room of three or more whether everybody is done, and where to look closer", () => {
  const snapshot = swarmSnapshot({ have: 19, seeding: true });
  const room = { hosts: 30, done: 27, gone: 1, slow: 2, together: 0.94 };
  const labels = (room: RoomView) => swarmLines([{ ...snapshot, room }], 9).map(({ label }) => label);
  assert.deepEqual(labels({ ...room, lastInS: 150 }), [
    "age.txt",
    "  27 of 30 hosts have it, last one in about 2m30s (2 slow, 1 gone: peer hosts)",
  ]);
  assert.deepEqual(labels({ ...room, done: 30, slow: 0, gone: 0 }), ["age.txt", "  all 30 hosts have it"]);
  assert.deepEqual(labels({ ...room, hosts: 2 }), ["age.txt"], "the bars of two say it themselves");
});
