import assert from "node:assert/strict";
import { jsonInSteps } from "../../lib/api/sliced_json.ts";
import { fromUtf8, joinBytes } from "../../lib/protocol/bytes.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { PieceLayout } from "../../lib/protocol/piece_layout.ts";
import { finish, type Steps } from "../../lib/protocol/steps.ts";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import type { FileView } from "../../lib/session/session.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { ApiHome } from "./api_home.ts";
import { viewFiles, viewPieces } from "../../lib/swarm/swarm_views.ts";

const FILES = 100_000;
const PIECES = 2_000_000;

function textOf(data: object): string {
  return fromUtf8(joinBytes(finish(jsonInSteps(data))))!;
}

/** The result of work, and after how many steps it came. */
function counted<T>(steps: Steps<T>): { result: T; count: number } {
  for (let count = 0;; count++) {
    const { done, value } = steps.next();
    if (done) return { result: value, count };
  }
}

Deno.test("jsonInSteps writes what JSON.stringify writes, and numbers as a list", () => {
  const long = Array.from({ length: 2_500 }, (_, at) => ({ at, 'ä"': [at] }));
  const objects = [{}, { a: 1, left: undefined, b: [], c: null }, {
    long,
    text: "\u2028 ü",
    end: { a: [1] },
  }];
  for (const data of objects) assert.equal(textOf(data), JSON.stringify(data));
  const numbers = new Uint16Array(70_000).map((_, at) => at);
  assert.deepEqual(JSON.parse(textOf({ none: new Uint16Array(), numbers })), {
    none: [],
    numbers: [...numbers],
  });
});

Deno.test("100,000 files are looked at and written in many steps", () => {
  const files = Array.from({ length: FILES }, (_, at) => ({
    path: ["course", `file ${at}`],
    length: 20_000,
    isPadding: false,
  }));
  const layout = new PieceLayout(16_384, files.map(({ length }) => length));
  const views = counted(viewFiles({ files, layout }, Bitfield.full(layout.pieceCount), undefined));
  assert.deepEqual([views.result.length, views.result.every(({ have }) => have === 20_000)], [FILES, true]);
  const json = counted(jsonInSteps({ files: views.result }));
  assert.ok(views.count >= 100 && json.count >= 100, `${views.count} and ${json.count} steps`);
});

Deno.test("two million pieces are looked at and written in many steps", () => {
  const views = counted(viewPieces({
    stored: new Bitfield(PIECES),
    wanted: Bitfield.full(PIECES),
    peers: new Map(),
    availabilityOf: (index) => index % 30,
    active: [],
  }));
  const json = counted(jsonInSteps({ availability: views.result.availability }));
  assert.ok(views.count >= 60 && json.count >= 60, `${views.count} and ${json.count} steps`);
});

Deno.test("a long answer comes part by part, and is the same", async () => {
  const files = Array.from({ length: 20_000 }, (_, at) => ({ path: [`file ${at}`], length: 2 }));
  const metainfo = encodeMetainfo(metainfoOf(new Uint8Array(40_000), 16_384, "many", files).rawInfo, {
    announceTiers: [],
  });
  await using home = await ApiHome.start();
  const added = await home.client.post("/torrents", { metainfo: metainfo.toBase64(), paused: true });
  const response = await home.client.request(`/api/v1/torrents/${added.infoHash}/files`);
  assert.equal(response.headers.get("Content-Length"), null);
  const answer = await response.json();
  const expected = files.map(({ path: [name] }, position) => ({ path: `many/${name}`, position }));
  assert.deepEqual(
    answer.files.map(({ path, position }: FileView) => ({ path, position })),
    expected,
  );
});
