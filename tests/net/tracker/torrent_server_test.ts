import assert from "node:assert/strict";
import { silentLogger } from "../../../lib/log.ts";
import { HttpServer, listenForHttp, servePaths } from "../../../lib/net/http/http_server.ts";
import { servingTorrents } from "../../../lib/net/tracker/torrent_server.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { PORTS, TORRENT_SERVING, TRACKER } from "../../../lib/settings.ts";

const SHARED = parseInfoHash("ab".repeat(20))!;
const LARGE = parseInfoHash("cd".repeat(20))!;

/** A server that has a small torrent and one of `largeLength` bytes; its clock stands still unless set. */
function serving(largeLength: number) {
  const clock = { now: 0 };
  const server = new HttpServer({
    listening: listenForHttp({ host: "127.0.0.1", port: 0, ports: PORTS.tracker }),
    service: servingTorrents(
      (infoHash, address) =>
        infoHash === SHARED
          ? new TextEncoder().encode(`for ${address}`)
          : infoHash === LARGE
          ? new Uint8Array(largeLength)
          : undefined,
      servePaths([["/announce", () => ({ status: 200, body: new Uint8Array() })]]),
      () => clock.now,
    ),
    limits: TRACKER,
    log: silentLogger,
  });
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { clock, ask, [Symbol.asyncDispose]: () => server.stop() };
}

Deno.test("a tracker gives the torrents that it shares, and nothing else under that path", async () => {
  await using server = serving(0);
  const { ask } = server;
  const { status, text, headers } = await ask(`/torrent/${SHARED}.torrent`);
  assert.deepEqual([status, text], [200, "for 127.0.0.1"]);
  assert.equal(headers.get("content-type"), "application/x-bittorrent");
  for (
    const path of [
      `/torrent/${"ee".repeat(20)}.torrent`,
      `/torrent/${SHARED}`,
      `/torrent/${SHARED.slice(1)}.torrent`,
      `/torrent/x/${SHARED}.torrent`,
      "/torrent/../../etc/passwd",
      "/torrent/",
    ]
  ) assert.equal((await ask(path)).status, 404, path);
  assert.equal((await ask(`/torrent/${SHARED}.torrent`, { method: "POST", body: "" })).status, 405);
  assert.equal((await ask("/announce")).status, 200);
});

Deno.test("a tracker gives large torrents now and then, and none that is larger than its allowance", async () => {
  await using server = serving(0.6 * TORRENT_SERVING.burst);
  const large = `/torrent/${LARGE}.torrent`;
  assert.deepEqual([(await server.ask(large)).status, (await server.ask(large)).status], [200, 503]);
  assert.equal((await server.ask(`/torrent/${SHARED}.torrent`)).status, 200, "a small one all the same");
  server.clock.now = 1_000;
  assert.equal((await server.ask(large)).status, 200);
  await using huge = serving(TORRENT_SERVING.burst + 1);
  assert.equal((await huge.ask(large)).status, 404);
});
