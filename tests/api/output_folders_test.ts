import assert from "node:assert/strict";
import { join } from "node:path";
import { isAllowedFolder } from "../../lib/api/access/output_folders.ts";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { sharedData } from "../harness/sessions/test_session.ts";
import { ApiHome } from "./api_home.ts";

needs("symbolic links")("a folder is allowed where it really lies below an allowed one", async () => {
  const root = await Deno.makeTempDir();
  const [films, other] = [join(root, "films"), join(root, "films-else")];
  await Deno.mkdir(films);
  await Deno.mkdir(other);
  await Deno.symlink(other, join(films, "out"));
  await Deno.symlink(join(root, "nothing"), join(films, "dangling"));
  await Deno.symlink(films, join(root, "link"));
  const isAllowed = (...steps: string[]) => isAllowedFolder(join(root, ...steps), [films]);
  const allowed = [["films"], ["films", "new"], ["films", "a", "b"], ["films", "..x"], ["link", "new"]];
  for (const steps of allowed) assert.equal(isAllowed(...steps), true, steps.join("/"));
  const refused = [["films-else"], ["."], ["films", "out"], ["films", "out", "new"], ["films", "dangling"], [
    "films",
    "dangling",
    "x",
  ]];
  for (const steps of refused) assert.equal(isAllowed(...steps), false, steps.join("/"));
  assert.equal(isAllowedFolder(`${films}/../films-else`, [films]), false);
  assert.equal(isAllowedFolder("/", [films]), false);
  assert.equal(isAllowedFolder(films, []), false);
  await Deno.remove(root, { recursive: true });
});

Deno.test("the network puts data below allowed folders only, the control socket anywhere", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir());
  const allowed = join(root, "films");
  await using home = await ApiHome.start({ outputFolders: [allowed] });
  const bodyOf = (length: number, output: string, reuse?: string[]) => {
    const metainfo = encodeMetainfo(sharedData(length).metainfo.rawInfo, { announceTiers: [] }).toBase64();
    return { metainfo, output, reuse };
  };
  const overTcp = async (length: number, output: string, reuse?: string[]) => {
    const response = await fetch(`${home.url}/api/v1/torrents`, {
      method: "POST",
      headers: { Authorization: `Bearer ${home.token}` },
      body: JSON.stringify(bodyOf(length, output, reuse)),
    });
    await response.body!.cancel();
    return response.status;
  };
  assert.equal(await overTcp(50_000, join(root, "else")), 403);
  assert.equal(await overTcp(50_000, `${allowed}/../else`), 403);
  assert.equal(await overTcp(50_000, join(allowed, "new")), 201);
  // Old data, too, is read where the network may say so, and nowhere else.
  const [inside, outside] = [join(allowed, "old"), join(root, "old")];
  for (const old of [inside, outside]) await Deno.writeFile(old, new Uint8Array(10));
  assert.equal(await overTcp(70_000, join(allowed, "new"), [inside, outside]), 403);
  assert.equal(await overTcp(70_000, join(allowed, "new"), [`${allowed}/../old`]), 403);
  assert.equal(await overTcp(70_000, join(allowed, "new"), [inside]), 201);
  await home.client.post("/torrents", bodyOf(60_000, join(root, "else"), [outside]));
  const folders = home.test.session.snapshot().map(({ infoHash }) =>
    home.test.session.details(infoHash).folder
  );
  assert.deepEqual(folders, [join(allowed, "new"), join(allowed, "new"), join(root, "else")]);
  await home.stop();
  await Deno.remove(root, { recursive: true });
});
