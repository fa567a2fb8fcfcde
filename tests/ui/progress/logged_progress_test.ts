import assert from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import type { SessionEvent } from "../../../lib/session/session.ts";
import { LoggedProgress } from "../../../lib/ui/progress/logged_progress.ts";
import { fakeInfoHash } from "../../harness/sessions/snapshots.ts";

const infoHash = fakeInfoHash("a");
const TORRENT: SessionEvent = {
  event: "torrent",
  infoHash,
  name: "age.txt",
  role: "announcer",
  seeding: true,
  length: 304_168,
  pieceLength: 16_384,
  pieces: 19,
  have: 19,
};

/** The lines, without their time, that the log gets of events after `TORRENT`. */
function linesOf(events: readonly SessionEvent[], isAlone = false): string[] {
  const lines: string[] = [];
  const log = createLogger("info", (line) => lines.push(line));
  const view = new LoggedProgress({ log, shown: undefined, isAlone, watchesPieces: true });
  for (const event of [TORRENT, ...events]) view.event(event);
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}

Deno.test("LoggedProgress says who joined and left at the tracker, and to how many the list went", () => {
  const change = {
    event: "tracker",
    infoHash,
    joined: [],
    left: [],
    finished: [],
    names: {},
    known: 3,
    pushedTo: 2,
  } as const;
  const six = Array.from({ length: 6 }, (_, i) => `10.0.0.${i + 2}:6881`);
  assert.deepEqual(
    linesOf([
      { ...change, joined: six.slice(0, 1), names: { "10.0.0.2:6881": "lab-02" } },
      { ...change, joined: six, known: 6, pushedTo: 0 },
      { ...change, left: six.slice(0, 2), finished: six.slice(2, 3), known: 1, pushedTo: 1 },
    ]),
    [
      "info age.txt: lab-02 (10.0.0.2:6881) joined at the tracker: 3 peers known, the new list was sent to 2",
      "info age.txt: 10.0.0.2:6881, 10.0.0.3:6881, 10.0.0.4:6881 and 3 more joined at the tracker: 6 peers known, " +
      "nobody is connected that the new list could be sent to",
      "info age.txt: 10.0.0.2:6881 and 10.0.0.3:6881 left, 10.0.0.4:6881 has everything at the tracker: " +
      "1 peer known, the new list was sent to 1",
    ],
  );
});

Deno.test("LoggedProgress says for each place of a round which peer has it, and why", () => {
  const round: SessionEvent = {
    event: "rechoke",
    infoHash,
    slots: [
      { peer: "a:1", reason: "fastest", rate: 4_300_000 },
      { peer: "b:1", reason: "fastest", rate: 2_000_000 },
      { peer: "c:1", reason: "by chance", rate: 0 },
    ],
    slotsBy: "what they give",
    waitingForSlot: 2,
    sources: [{ peer: "a:1", reason: "free place", rate: 4_300_000 }],
    waitingAsSource: 1,
  };
  const optimistic = "by chance, so that every peer gets a turn to show how fast it is";
  assert.deepEqual(linesOf([round]), [
    "info age.txt: a new round: 5 peers want our data, 3 have a slot, 2 wait; 2 peers have data for us, we ask 1, 1 waits",
    "info age.txt: a:1 gets a slot: it gives us 4.1 MiB/s, the most of 5 that want one",
    "info age.txt: b:1 gets a slot: it gives us 1.9 MiB/s, the second most of 5 that want one",
    `info age.txt: c:1 gets the optimistic slot: ${optimistic}`,
    "info age.txt: a:1 is a source, since a place was free: it gives us 4.1 MiB/s",
  ]);
  const seeding = { ...round, slotsBy: "what they take", sources: [], waitingAsSource: 0 } as const;
  assert.deepEqual(linesOf([{ ...seeding, slots: round.slots.slice(0, 1), waitingForSlot: 0 }]), [
    "info age.txt: a new round: 1 peer wants our data, 1 has a slot, nobody waits",
    "info age.txt: a:1 gets a slot: it takes 4.1 MiB/s from us, and nobody else wants one",
  ]);
  const idle = { ...seeding, slots: [], waitingForSlot: 0 } as const;
  assert.deepEqual(linesOf([idle]), [], "nothing was decided");
});

Deno.test("LoggedProgress says of each piece where it came from, and of a role what it means", () => {
  const piece = { event: "piece", infoHash, piece: 7, good: true, file: "age.txt", offset: 114_688 } as const;
  assert.deepEqual(
    linesOf([
      { ...piece, peers: ["a:1", "b:1"] },
      { ...piece, peers: ["a:1"], good: false },
      { ...piece, peers: [] },
      { event: "status", infoHash, role: "seeder", seeding: true },
      { event: "peers", infoHash, source: "broadcast", peers: ["a:1", "b:1", "c:1"] },
    ]),
    [
      "info age.txt: piece 7 is right: it came from a:1 and b:1, and begins at byte 114688 of age.txt",
      "info age.txt: piece 7 is wrong: it came from a:1, and is fetched again",
      "info age.txt: piece 7 is right: it was received in an earlier run, and begins at byte 114688 of age.txt",
      "info age.txt: this machine is now a seeder: it has all data and gives it to others",
      "info age.txt: 3 other peers are known; the news came in the list that a tracker pushed",
    ],
  );
});

Deno.test("LoggedProgress tells what a view shows only to readers who do not see it", () => {
  const events: SessionEvent[] = [
    { event: "warning", code: "rate", message: "too low" },
    { event: "error", code: "storage", message: "full", infoHash },
    { event: "stopped" },
  ];
  assert.deepEqual(linesOf(events), []);
  assert.deepEqual(linesOf(events, true), [
    "info age.txt: announcer and seeder, 297 KiB, 19 of 19 pieces",
    "warn warning: too low",
    "error age.txt: error: full",
    "info stopped",
  ]);
});
