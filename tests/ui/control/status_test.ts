import assert from "node:assert/strict";
import { plain } from "../../../lib/ui/control/paint.ts";
import { status, statusLines } from "../../../lib/ui/control/status_command.ts";
import { widthOf } from "../../../lib/ui/text_format.ts";
import { torrentSummary } from "../../harness/sessions/api_shapes.ts";
import { FakeRemote, NOW, printed, stateWith } from "./fake_remote.ts";

const MIB = 2 ** 20;
const page = (width: number) => ({ width, paint: plain });

const state = stateWith(
  torrentSummary(12, "thesis.pdf", {
    state: "failed",
    failure: "the disk is full: free some space, then peer resume 12",
  }),
  torrentSummary(1, "lecture.mp4", { downloadRate: 8 * MIB, uploadRate: MIB, etaS: 150, connections: 13 }),
  torrentSummary(2, "notes", { state: "seeding", have: 100, missing: 0, finished: true }),
  torrentSummary(3, "slow", { waiting: { reason: "nobody here has the data yet", nextTryAt: NOW + 12_000 } }),
  torrentSummary(4, "link", {
    state: "fetching metadata",
    lacksMetadata: true,
    pieces: 0,
    have: 0,
    missing: 0,
    length: 0,
  }),
  torrentSummary(5, "old", { state: "checking", checked: 25 }),
  torrentSummary(6, "done", { state: "paused", pauseReason: "ratio 2 reached" }),
);

Deno.test("status shows totals, each torrent by number, and why one stands still", () => {
  assert.deepEqual(statusLines(state, page(100)), [
    "peer 0.2.0 on lab-01, port 6881: 7 torrents, 1 active, ↓ 8 MiB/s ↑ 1 MiB/s",
    " #  NAME            SIZE  DONE  STATE                 DOWN       UP   LEFT  PEERS",
    " 1  lecture.mp4  100 MiB   40%  downloading        8 MiB/s  1 MiB/s  2m30s     13",
    " 2  notes        100 MiB  100%  seeding",
    " 3  slow         100 MiB   40%  downloading",
    "    nobody here has the data yet, next try in 12s",
    " 4  link                        fetching metadata",
    " 5  old          100 MiB   25%  checking",
    " 6  done         100 MiB   40%  paused",
    "    ratio 2 reached",
    "12  thesis.pdf   100 MiB   40%  failed",
    "    the disk is full: free some space, then peer resume 12",
  ]);
});

Deno.test("status fits every terminal", () => {
  for (const width of [200, 80, 60, 40]) {
    for (const line of statusLines(state, page(width)).slice(1)) assert.ok(widthOf(line) <= width, line);
  }
});

Deno.test("status says what to do where there is no torrent, and --json gives the state as it came", async () => {
  assert.match(statusLines(stateWith(), page(80))[1], /peer add/);
  const remote = new FakeRemote({ "/state": state });
  const lines = await printed(() => status(remote, { home: ".", json: true }));
  assert.deepEqual(JSON.parse(lines.join()), state);
});

Deno.test("status of a thousand torrents is made in a moment", () => {
  const many = stateWith(
    ...Array.from({ length: 1000 }, (_, i) => torrentSummary(i + 1, `torrent ${i}`, { infoHash: `${i}` })),
  );
  statusLines(many, page(80));
  const before = performance.now();
  assert.equal(statusLines(many, page(80)).length, 1002);
  assert.ok(performance.now() - before < 200);
});
