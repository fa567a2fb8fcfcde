import assert from "node:assert/strict";
import { join } from "node:path";
import { ControlClient, NobodyRunsError, RefusedError } from "../../lib/api/client.ts";
import { readControlToken, socketPath, tokenFilePath } from "../../lib/api/access/control_place.ts";
import { applyPatch, type JsonObject } from "../../lib/api/merge_patch.ts";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { sharedData } from "../harness/sessions/test_session.ts";
import { ApiHome } from "./api_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

Deno.test("the control socket gives the state and takes orders", async () => {
  await using home = await ApiHome.start();
  const shared = sharedData(50_000);
  await home.test.seed(shared);
  const { infoHash } = shared.metainfo;
  const torrents = async () => (await home.client.get("/state")).torrents as Record<string, JsonObject>;
  assert.equal((await torrents())[infoHash].state, "seeding");
  assert.deepEqual(await home.client.post(`/torrents/${infoHash}/pause`), { torrents: [infoHash] });
  assert.equal((await torrents())[infoHash].state, "paused");
  assert.deepEqual(await home.client.post("/torrents/all/resume"), { torrents: [infoHash] });
  assert.equal((await torrents())[infoHash].state, "seeding");
  await assert.rejects(
    home.client.post(`/torrents/${"0".repeat(40)}/pause`),
    (error) => error instanceof RefusedError && error.status === 404 && /info-hash/.test(error.message),
  );
  await home.client.post("/session/stop");
  assert.equal(home.stops, 1);
});

Deno.test("events tell the state, then its changes, and go on where a reader stopped", async () => {
  await using home = await ApiHome.start();
  const shared = sharedData(50_000);
  await home.test.seed(shared);
  const { infoHash } = shared.metainfo;
  const first = home.client.events();
  const { value: whole } = await first.next();
  assert.equal(whole!.event, "state");
  await home.client.post(`/torrents/${infoHash}/pause`);
  const { value: change } = await first.next();
  assert.equal(change!.event, "delta");
  await first.return(undefined);
  assert.equal(change!.data.sequence, Number(whole!.data.sequence) + 1);
  const patched = applyPatch(whole!.data, change!.data.patch as JsonObject) as { torrents: JsonObject };
  assert.equal((patched.torrents[infoHash] as JsonObject).state, "paused");

  const again = home.client.events(Number(whole!.data.sequence));
  assert.deepEqual((await again.next()).value, change);
  await again.return(undefined);
  const stranger = home.client.events(5);
  assert.equal((await stranger.next()).value!.event, "state");
  await stranger.return(undefined);
});

needs("file modes")("only the owner may open the control socket, and it is gone after the end", async () => {
  await using home = await ApiHome.start();
  const path = join(home.test.home, "state", "control.sock");
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  await home.stop();
  await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  await assert.rejects(ControlClient.open(home.test.home), NobodyRunsError);
});

Deno.test("torrents are taken in by their bytes, by base64, by magnet link, and by path over the control socket alone", async () => {
  await using home = await ApiHome.start();
  const { client } = home;
  const bytesOf = (length: number) =>
    encodeMetainfo(sharedData(length).metainfo.rawInfo, { announceTiers: [] });
  const request = (body: Uint8Array<ArrayBuffer>) =>
    client.request("/api/v1/torrents", {
      method: "POST",
      headers: { "Content-Type": "application/x-bittorrent" },
      body,
    });
  const { infoHash, name } = sharedData(50_000).metainfo;
  const made = await request(bytesOf(50_000));
  assert.deepEqual([made.status, await made.json()], [201, { infoHash, number: 1, name, isNew: true }]);
  const known = await request(bytesOf(50_000));
  assert.deepEqual([known.status, await known.json()], [200, { infoHash, number: 1, name, isNew: false }]);

  const added = await client.post("/torrents", {
    metainfo: bytesOf(60_000).toBase64(),
    paused: true,
    labels: ["films"],
    files: { sequential: true },
  });
  const { isPaused, labels, number } = await client.get(`/torrents/${added.infoHash}`);
  assert.deepEqual([isPaused, labels, number], [true, ["films"], 2]);

  const magnet = `magnet:?xt=urn:btih:${"ab".repeat(20)}&dn=wanted`;
  assert.equal((await client.post("/torrents", { magnet })).name, "wanted");

  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, bytesOf(70_000));
  assert.equal((await client.post("/torrents", { path })).isNew, true);
  const overTcp = await fetch(`${home.url}/api/v1/torrents`, {
    method: "POST",
    headers: { Authorization: `Bearer ${home.token}` },
    body: JSON.stringify({ path }),
  });
  assert.equal(overTcp.status, 403);
  await overTcp.body!.cancel();
  await Deno.remove(path);

  for (
    const body of [{}, { magnet, metainfo: "" }, { metainfo: "%" }, { path: "x.torrent" }, { magnet: "x" }]
  ) {
    await assert.rejects(
      client.post("/torrents", body),
      (error) => error instanceof RefusedError && error.status === 400,
    );
  }
  await assert.rejects(
    request(new Uint8Array(100)),
    (error) => error instanceof RefusedError && error.status === 400,
  );
  assert.equal(home.test.session.snapshot().length, 4);
});

Deno.test("where the home's path is too long for a socket, a port and a token stand for it", async () => {
  const parent = await Deno.makeTempDir();
  const deep = join(parent, "d".repeat(100));
  await Deno.mkdir(join(deep, "state"), { recursive: true });
  await using home = await ApiHome.start();
  await home.restart({ home: deep });
  assert.equal(socketPath(deep), undefined);
  assert.deepEqual((await home.client.get("/state")).torrents, {});
  const { port, token } = readControlToken(await Deno.readTextFile(tokenFilePath(deep)))!;
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/state`, { headers });
    await response.body!.cancel();
    return response.status;
  };
  assert.equal(await ask({ Authorization: `Bearer ${token}` }), 200);
  assert.equal(await ask({}), 401);
  // The token of the page is another one, which opens less.
  assert.equal(await ask({ Authorization: `Bearer ${home.token}` }), 401);
  await home.stop();
  await assert.rejects(ControlClient.open(deep), NobodyRunsError);
  await Deno.remove(parent, { recursive: true });
});
