import assert from "node:assert/strict";
import { plain } from "../../../lib/ui/control/paint.ts";
import { pieceLines } from "../../../lib/ui/control/pieces_command.ts";
import type { TrackerView } from "../../../lib/api/shapes.ts";
import { fileLines, files, peerLines, trackerLines } from "../../../lib/ui/control/view_commands.ts";
import { peerView, torrentSummary } from "../../harness/sessions/api_shapes.ts";
import { FakeRemote, NOW, printed, stateWith } from "./fake_remote.ts";

const page = { width: 100, paint: plain };
const FILES = [
  { position: 0, path: "course/1.pdf", length: 2048, have: 2048, isWanted: true, isFirst: true },
  { position: 1, path: "course/2.mp4", length: 4096, have: 1024, isWanted: true, isFirst: false },
  { position: 2, path: "course/3.iso", length: 8192, have: 0, isWanted: false, isFirst: false },
];

Deno.test("files shows which are wanted and how much is there", async () => {
  assert.deepEqual(fileLines(FILES, page), [
    "#  FILE           SIZE  DONE  WANTED",
    "0  course/1.pdf  2 KiB  100%  first",
    "1  course/2.mp4  4 KiB   25%  yes",
    "2  course/3.iso  8 KiB    0%  no",
  ]);
  assert.match(fileLines([], page)[0], /not known yet/);
  const torrent = torrentSummary(1, "course");
  const remote = new FakeRemote({
    "/state": stateWith(torrent),
    [`/torrents/${torrent.infoHash}/files`]: { files: FILES },
  });
  const json = await printed(() => files(remote, "cour", { home: ".", json: true }));
  assert.deepEqual(JSON.parse(json.join()), FILES);
});

Deno.test("peers shows who gives, who gets, and why", () => {
  const peers = [
    peerView("10.0.0.2:6881", {
      weWant: true,
      peerChokes: true,
      peerWants: true,
      reason: "waits for a slot",
    }),
    peerView("10.0.0.3:6881", { isDownloadSource: true, downloadRate: 2 ** 20, sourceReason: "fastest" }),
    peerView("10.0.0.4:6881", { isUploadSlot: true, uploadRate: 2 ** 10, reason: "by chance" }),
    peerView("10.0.0.5:6881", { isDownloadSource: true, isSnubbed: true }),
    peerView("10.0.0.6:6881", { weWant: true }),
  ];
  assert.deepEqual(peerLines(peers, { pieces: 100, connections: 5, known: 9 }, page).slice(0, 6), [
    "PEER           DONE  GIVES       DOWN  GETS        UP  CLIENT      WHY",
    "10.0.0.3:6881   50%  source   1 MiB/s  -               peer 0.2.0  fastest",
    "10.0.0.4:6881   50%  -                 slot   1 KiB/s  peer 0.2.0  by chance",
    "10.0.0.2:6881   50%  choked            waits           peer 0.2.0  waits for a slot",
    "10.0.0.5:6881   50%  snubbed           -               peer 0.2.0",
    "10.0.0.6:6881   50%  spare             -               peer 0.2.0",
  ]);
  assert.match(
    peerLines([], { pieces: 1, connections: 0, known: 1 }, page)[0],
    /no peer is connected; 1 is known/,
  );
});

Deno.test("trackers shows what each said, when it is asked again, and its failure below", () => {
  const trackers: TrackerView[] = [
    {
      url: "http://10.0.0.1:6969/announce",
      tier: 0,
      isOwn: true,
      state: "ok",
      seeders: 2,
      leechers: 11,
      peersHeard: 13,
      lastAnnounceAt: NOW - 12_000,
      nextAnnounceAt: NOW + 48_000,
    },
    {
      url: "udp://10.0.0.2:6969",
      tier: 1,
      isOwn: false,
      state: "failed",
      peersHeard: 0,
      failure: "connection refused",
    },
  ];
  assert.deepEqual(trackerLines(trackers, NOW, { ...page, width: 110 }), [
    "TIER  TRACKER                                    STATE   SEEDERS  LEECHERS  TOLD     LAST    NEXT",
    "   0  http://10.0.0.1:6969/announce (this peer)  ok            2        11    13  12s ago  in 48s",
    "   1  udp://10.0.0.2:6969                        failed                        0",
    "    connection refused",
  ]);
});

Deno.test("pieces draws a map with a legend, and the blocks under way", () => {
  const view = {
    have: Uint8Array.of(0b1111_0000, 0b1000_0000).toBase64(),
    wanted: Uint8Array.of(0b1111_1111, 0b1100_0000).toBase64(),
    availability: [2, 2, 2, 2, 1, 0, 3, 1, 4, 2, 2, 2],
    active: [{
      index: 4,
      blocks: 16,
      done: 5,
      from: ["10.0.0.2:6881"],
      asked: ["10.0.0.2:6881", "10.0.0.3:6881"],
    }],
  };
  assert.deepEqual(pieceLines(view, 12, { width: 8, paint: plain }).slice(0, 2), ["████▒!░░", "█░··"]);
  assert.deepEqual(pieceLines(view, 12, page), [
    "████▒!░░█░··",
    "12 pieces: ▒ 1 on the way, ! 1 at no connected peer, ░ 3 to come, █ 5 stored, · 2 not wanted",
    "rarest: 1 lacking piece with 0 copies at the connected peers",
    "",
    "PIECE   BLOCKS  ASKED OF                      SENT BY",
    "    4  5 of 16  10.0.0.2:6881, 10.0.0.3:6881  10.0.0.2:6881",
  ]);
  const full = {
    have: new Uint8Array(250_000).fill(255).toBase64(),
    wanted: "",
    availability: [],
    active: [],
  };
  const large = pieceLines(full, 2_000_000, page);
  assert.equal(large.length, 13);
  assert.match(large[12], /^2000000 pieces, 1667 to a mark: █ 2000000 stored$/);
});
