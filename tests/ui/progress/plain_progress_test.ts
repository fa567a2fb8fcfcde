import assert from "node:assert/strict";
import { fakeInfoHash, swarmSnapshot } from "../../harness/sessions/snapshots.ts";
import { PlainProgress } from "../../../lib/ui/progress/plain_progress.ts";

const infoHash = fakeInfoHash("a");
const joined = {
  event: "torrent",
  infoHash,
  length: 311_296,
  pieceLength: 16_384,
  pieces: 19,
  have: 0,
} as const;

function recorder() {
  const lines: string[] = [];
  const clock = { now: 0 };
  return { view: new PlainProgress((line) => lines.push(line), () => clock.now), lines, clock };
}

Deno.test("PlainProgress tells a torrent's life in a line for each step", () => {
  const { view, lines } = recorder();
  view.event({ ...joined, name: "age.txt", role: "peer", seeding: false });
  view.event({ event: "connected", infoHash, peer: "10.0.0.5:6881", client: "peer 0.1.0" });
  view.event({ event: "corrupt", infoHash, piece: 3, peers: ["10.0.0.5:6881"] });
  view.event({ event: "reused", infoHash, name: "age.txt", pieces: 18, bytes: 978, length: 1_000 });
  view.event({ event: "complete", infoHash, name: "age.txt", path: "/s/age.txt", seconds: 2.5, sources: {} });
  view.event({ event: "status", infoHash, role: "announcer", seeding: true });
  view.event({ event: "error", infoHash, code: "disk", message: "no space left" });
  view.event({ event: "stopped" });
  assert.deepEqual(lines, [
    "age.txt: peer, 304 KiB, 0 of 19 pieces",
    "age.txt: piece 3 from 10.0.0.5:6881 was corrupt",
    "age.txt: 97% was here already",
    "age.txt: complete after 3s, in /s/age.txt",
    "age.txt: now announcer and seeder",
    "age.txt: error: no space left",
    "stopped",
  ]);
});

Deno.test("PlainProgress tells the percent when it changed and some seconds have passed", () => {
  const { view, lines, clock } = recorder();
  for (const [now, have] of [[0, 0], [1000, 5], [5000, 9], [10_000, 9], [15_000, 12]]) {
    clock.now = now;
    view.tick([swarmSnapshot({ have, connections: 2, downloadRate: 2048 })]);
  }
  view.tick([swarmSnapshot({ have: 19, seeding: true })]);
  assert.deepEqual(
    lines,
    [0, 47, 63].map((percent) => `age.txt: ${percent}%, down 2 KiB/s, up 0 B/s, peers 2`),
  );
});

Deno.test("PlainProgress says that data is checked and why a torrent stands still", () => {
  const { view, lines } = recorder();
  view.tick([
    swarmSnapshot({ checked: 10 }),
    swarmSnapshot({ infoHash: fakeInfoHash("b"), failure: "no space left" }),
    swarmSnapshot({ infoHash: fakeInfoHash("c"), lacksMetadata: true, failure: "bad metadata" }),
    swarmSnapshot({ infoHash: fakeInfoHash("d"), state: "paused" }),
  ]);
  assert.match(lines[0], /checked 52%/);
  assert.match(lines[1], /failed: no space left/);
  assert.match(lines[2], /failed: bad metadata/);
  assert.match(lines[3], /: paused/);
});

Deno.test("PlainProgress cleans names from torrents", () => {
  const { view, lines } = recorder();
  view.event({ ...joined, name: "a\nb\x1b[2J", role: "peer", seeding: false });
  view.tick([swarmSnapshot({ name: "a\nb\x1b[2J" })]);
  // deno-lint-ignore no-control-regex
  for (const line of lines) assert.doesNotMatch(line, /[\x00-\x1f]/);
});

Deno.test("PlainProgress tells once why a torrent waits", () => {
  const { view, lines } = recorder();
  const waiting = (reason: string, nextTryInMs?: number) =>
    swarmSnapshot({ waiting: { reason, nextTryInMs } });
  view.tick([waiting("nobody is here", 3_000)]);
  view.tick([waiting("nobody is here", 2_000)]);
  view.tick([swarmSnapshot()]);
  view.tick([waiting("nobody is here")]);
  const told = lines.filter((line) => line.includes("nobody"));
  assert.deepEqual(told, ["age.txt: nobody is here, next try in 3s", "age.txt: nobody is here"]);
});
