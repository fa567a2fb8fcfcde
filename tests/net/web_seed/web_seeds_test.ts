import assert from "node:assert/strict";
import { runWebSeeds } from "../../../lib/net/web_seed/web_seeds.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { WEB_SEED } from "../../../lib/settings.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { metainfoOf, originalPaths } from "../../harness/data/torrents.ts";
import { serveHttpSeed } from "../../harness/sessions/http_seed_server.ts";
import { LoopbackNode } from "../../harness/sessions/loopback_node.ts";

const PIECE = 32 * 1024;
const data = randomBytes(40 * PIECE + 700, 18);
const bare = metainfoOf(data, PIECE, "data.bin");

/** A web server on loopback that has the file, or answers as `answer` says. */
function serve(
  answer: (bytes: Uint8Array<ArrayBuffer>, headers: HeadersInit) => Response | Promise<Response> = (
    bytes,
    headers,
  ) => new Response(bytes, { status: 206, headers }),
) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ headers }) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range")!)!.map(Number);
    const range = `bytes ${first}-${last}/${data.length}`;
    return answer(data.slice(first, last + 1), { "content-range": range });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Addresses on loopback where nobody listens. */
function deadUrls(count: number): string[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  return listeners.map((listener) => {
    listener.close();
    return `http://127.0.0.1:${listener.addr.port}/`;
  });
}

/** Downloads until all is there; returns what was warned of, and how long it took in ms. */
async function download(node: LoopbackNode, patienceMs = 10_000) {
  const { metainfo } = node.swarm;
  const warnings: string[] = [];
  const surroundings = { isBlocked: () => false, now: () => node.now };
  const start = performance.now();
  await runWebSeeds(
    node.swarm,
    metainfo,
    originalPaths(metainfo.rawInfo),
    surroundings,
    AbortSignal.timeout(patienceMs),
    (url, message) => warnings.push(`${url} ${message}`),
  );
  return { warnings, tookMs: performance.now() - start };
}

const withSeeds = (webSeeds: string[], httpSeeds: string[] = []): Metainfo => ({
  ...bare,
  webSeeds,
  httpSeeds,
});

Deno.test("runWebSeeds uses the next web seed while others pause, and does not wait for them in the end", async () => {
  await using server = serve();
  const metainfo = withSeeds([...deadUrls(2 * WEB_SEED.perTorrent), server.url]);
  await using node = new LoopbackNode(metainfo, null);
  const { tookMs } = await download(node);
  assert.deepEqual(node.storage.data, data);
  assert.ok(tookMs < WEB_SEED.retryMs, `it took ${tookMs} ms`);
});

Deno.test("runWebSeeds uses a web seed of either kind behind many that are given up", async () => {
  for (const kind of ["webSeeds", "httpSeeds"] as const) {
    await using wrong = serve(() => new Response("no", { status: 404 }));
    await using right = serve();
    await using script = serveHttpSeed(data, bare);
    const wrongUrls = Array.from({ length: 2 * WEB_SEED.takingTurns }, (_, i) => `${wrong.url}${i}`);
    const metainfo = kind === "webSeeds"
      ? withSeeds([...wrongUrls, "ftp://h/", right.url])
      : withSeeds([...wrongUrls, "ftp://h/"], [script.url]);
    await using node = new LoopbackNode(metainfo, null);
    const { warnings } = await download(node);
    assert.deepEqual(node.storage.data, data);
    assert.deepEqual(warnings.length, wrongUrls.length + 1);
  }
});

Deno.test("runWebSeeds uses a few at a time", async () => {
  const { promise: allAsked, resolve } = Promise.withResolvers<void>();
  const asked = new Set<string>();
  await using script = serveHttpSeed(data, bare, async ({ url, bytes }) => {
    asked.add(url.pathname);
    if (asked.size === WEB_SEED.perTorrent) resolve();
    await allAsked;
    return new Response(bytes);
  });
  const urls = Array.from({ length: 3 * WEB_SEED.perTorrent }, (_, i) => `${script.url}/${i}`);
  await using node = new LoopbackNode(withSeeds([], urls), null);
  await download(node);
  assert.deepEqual(node.storage.data, data);
  assert.equal(asked.size, WEB_SEED.perTorrent);
});

Deno.test("runWebSeeds shares a torrent out among web seeds of both kinds", async () => {
  // The servers with the file are asked for all that is left, and wait until the script has given something.
  const { promise: hasGiven, resolve } = Promise.withResolvers<void>();
  const serveLate = () =>
    serve(async (bytes, headers) => {
      await hasGiven;
      return new Response(bytes, { status: 206, headers });
    });
  await using first = serveLate();
  await using second = serveLate();
  await using script = serveHttpSeed(data, bare, ({ bytes, count }) => {
    if (count > WEB_SEED.readBytes / PIECE) resolve();
    return new Response(bytes);
  });
  await using node = new LoopbackNode(withSeeds([first.url, second.url], [script.url]), null);
  const { warnings } = await download(node);
  assert.deepEqual(node.storage.data, data);
  assert.deepEqual(warnings, []);
  const complete = node.events.find((event) => event.event === "complete");
  const sources = complete !== undefined && "sources" in complete ? complete.sources : {};
  assert.deepEqual(Object.keys(sources).sort(), [first.url, second.url, script.url].sort());
});
