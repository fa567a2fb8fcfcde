/** Torrents whose only source is a script that gives pieces (BEP 17). */
import assert from "node:assert/strict";
import { join } from "node:path";
import { encode } from "../../lib/protocol/bencode.ts";
import { concatBytes, toUtf8 } from "../../lib/protocol/bytes.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { serveHttpSeed } from "../harness/sessions/http_seed_server.ts";
import { TestSession } from "../harness/sessions/test_session.ts";

Deno.test("Session downloads a torrent of several files and small pieces from httpseeds alone", async () => {
  const data = randomBytes(500_000, 19);
  const lengths = [1, 16_383, 40_000, 0, 200_000];
  lengths.push(data.length - lengths.reduce((sum, length) => sum + length));
  const files = lengths.map((length, i) => ({ path: [`part ${i}`, "ä#.bin"], length }));
  const metainfo = metainfoOf(data, 16_384, "album", files);
  await using server = serveHttpSeed(data, metainfo);
  await using session = await TestSession.start();
  const path = join(session.home, "torrents", "album.torrent");
  const outer = [toUtf8("d"), encode("httpseeds"), encode([server.url, server.url]), encode("info")];
  await Deno.writeFile(path, concatBytes(...outer, metainfo.rawInfo, toUtf8("e")));
  await session.session.add(path, []);
  const { path: folder } = await session.whenEvent("complete");
  const contents = await Promise.all(files.map((file) => Deno.readFile(join(folder, ...file.path))));
  assert.deepEqual(concatBytes(...contents), data);
  assert.equal(server.asked.length, metainfo.layout.pieceCount);
});
