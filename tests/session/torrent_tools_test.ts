import assert from "node:assert/strict";
import { join } from "node:path";
import { MetainfoError } from "../../lib/errors.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import { parseInfo } from "../../lib/protocol/metainfo.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";
import { announceUrl, describeTorrent, readTorrent } from "../../lib/session/torrent_tools.ts";

Deno.test("readTorrent refuses what is no torrent before it reads too much of it", async () => {
  const folder = await Deno.makeTempDir();
  const [missing, huge] = [join(folder, "missing"), join(folder, "huge")];
  await Deno.writeFile(huge, new Uint8Array());
  await Deno.truncate(huge, METAINFO_LIMITS.fileBytes + 1);
  for (const path of [missing, huge, folder]) await assert.rejects(readTorrent(path), MetainfoError);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("announceUrl completes bare hosts", () => {
  assert.equal(announceUrl("10.0.0.5"), "http://10.0.0.5:6969/announce");
  assert.equal(announceUrl("no host"), undefined);
});

Deno.test("describeTorrent counts no padding as size", () => {
  const files = [{ length: 1_000, path: ["a"] }, { attr: "p", length: 15_384, path: [".pad", "15384"] }, {
    length: 10,
    path: ["b"],
  }];
  const info = { files, name: "n", "piece length": 16_384, pieces: new Uint8Array(40) };
  const { length } = describeTorrent(parseInfo(encode(info), METAINFO_LIMITS));
  assert.equal(length, 1_010);
});
