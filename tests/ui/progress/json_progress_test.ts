import assert from "node:assert/strict";
import { fakeInfoHash, swarmSnapshot } from "../../harness/sessions/snapshots.ts";
import { JsonProgress } from "../../../lib/ui/progress/json_progress.ts";

const infoHash = fakeInfoHash("a");

function recorder() {
  const lines: string[] = [];
  const view = new JsonProgress((line) => lines.push(line), () => 1234);
  return { view, lines, values: () => lines.map((line) => JSON.parse(line)) };
}

Deno.test("JsonProgress writes each event with its time on a line of its own", () => {
  const { view, lines, values } = recorder();
  view.event({
    event: "ready",
    version: "0.1.0",
    peerId: "-PE0100-abcdefghijkl",
    port: 6881,
    trackerPort: null,
    home: "/home\nfolder",
    pid: 7,
  });
  view.event({ event: "status", infoHash, role: "seeder", seeding: true });
  view.event({ event: "stopped" });
  assert(lines.every((line) => !line.includes("\n")));
  assert.deepEqual(values(), [
    {
      event: "ready",
      time: 1234,
      version: "0.1.0",
      peerId: "-PE0100-abcdefghijkl",
      port: 6881,
      trackerPort: null,
      home: "/home\nfolder",
      pid: 7,
    },
    { event: "status", time: 1234, infoHash, role: "seeder", seeding: true },
    { event: "stopped", time: 1234 },
  ]);
});

Deno.test("JsonProgress writes the lines of pieces at one stroke with the next line, at the next tick, or once they are many", () => {
  const { view, lines } = recorder();
  const piece = (index: number) =>
    view.event({ event: "piece", infoHash, piece: index, peers: [], good: true, file: "a", offset: 0 });
  const indices = (text: string) => text.split("\n").map((line) => JSON.parse(line).piece);
  [0, 1].forEach(piece);
  assert.deepEqual(lines, []);
  view.event({ event: "stopped" });
  assert.deepEqual(lines.map(indices), [[0, 1], [undefined]]);
  piece(2);
  view.tick([]);
  assert.deepEqual(indices(lines[2]), [2]);
  view.tick([]);
  assert.equal(lines.length, 3);
  for (let index = 0; index < 1_000; index++) piece(index);
  assert(lines.length > 3);
  view.close();
  assert.deepEqual(lines.slice(3).flatMap(indices), Array.from({ length: 1_000 }, (_, index) => index));
});

Deno.test("JsonProgress writes progress with the members of the interface, and only while something changes", () => {
  const { view, values } = recorder();
  const snapshot = swarmSnapshot({ have: 3, downloaded: 49_152, downloadRate: 1000.4, connections: 2 });
  view.tick([snapshot]);
  view.tick([snapshot]);
  view.tick([{ ...snapshot, have: 4 }, swarmSnapshot({ infoHash: fakeInfoHash("b") })]);
  assert.deepEqual(values()[0], {
    event: "progress",
    time: 1234,
    infoHash,
    have: 3,
    pieces: 19,
    downloaded: 49_152,
    uploaded: 0,
    downloadRate: 1000,
    uploadRate: 0,
    connections: 2,
    uploadSlotsUsed: 0,
    downloadSourcesUsed: 0,
  });
  assert.deepEqual(values().map((line) => [line.infoHash[0], line.have]), [["a", 3], ["a", 4], ["b", 0]]);
});

Deno.test("JsonProgress escapes what could harm a terminal and keeps its meaning", () => {
  const { view, lines, values } = recorder();
  const client = "日本 \x1b[2J \x9b31m \u202e \u{e0041}";
  view.event({ event: "connected", infoHash, peer: "10.0.0.5:6881", client });
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(lines[0], /[\x00-\x1f\x7f-\x9f\u202e\u{e0041}]/u);
  assert.match(lines[0], /日本/);
  assert.equal(values()[0].client, client);
});
