import assert from "node:assert/strict";
import { RateLimiter } from "../../../lib/net/peers/rate_limiter.ts";
import { WebSeed } from "../../../lib/net/web_seed/web_seed.ts";
import { runWebSeed } from "../../../lib/net/web_seed/web_seed_peer.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { LoopbackNode, PATIENCE, until } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { metainfoOf, originalPaths } from "../../harness/data/torrents.ts";

const PIECE = 32 * 1024;
const data = randomBytes(20 * PIECE + 700, 3);
const single = metainfoOf(data, PIECE, "data.bin");
const files = [{ path: ["a b"], length: 5 * PIECE + 9 }, {
  path: ["sub", "c"],
  length: data.length - 5 * PIECE - 9,
}];
const several = metainfoOf(data, PIECE, "album", files);

type Handler = (
  range: { path: string; first: number; last: number },
  count: number,
) => Response | Promise<Response>;

/** A web server on loopback that `handler` answers for, until disposed. */
function serve(handler: Handler) {
  let count = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!.map(Number);
    return handler({ path: decodeURIComponent(new URL(request.url).pathname), first, last }, ++count);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    get requests() {
      return count;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The part of a file of the torrents above that was asked for, from `bytes`. */
const answer: Handler = ({ path, first, last }) => {
  const middle = 5 * PIECE + 9;
  const file = path === "/album/a b"
    ? data.subarray(0, middle)
    : path === "/album/sub/c"
    ? data.subarray(middle)
    : data;
  return new Response(file.slice(first, last + 1), {
    status: 206,
    headers: { "content-range": `bytes ${first}-${last}/${file.length}` },
  });
};

/** Downloads from a web seed alone, or beside what else the node knows, until it is done or the web seed gave up. */
async function download(node: LoopbackNode, url: string, metainfo: Metainfo): Promise<void> {
  const seed = new WebSeed(url, metainfo, originalPaths(metainfo.rawInfo), () => false);
  await runWebSeed(url, seed, node.swarm, () => node.now, AbortSignal.timeout(10_000));
}

for (const [what, metainfo] of [["a single file", single], ["several files", several]] as const) {
  Deno.test(`runWebSeed downloads ${what}, told as a peer with the URL as its name`, async () => {
    await using server = serve(answer);
    await using node = new LoopbackNode(metainfo, null);
    await download(node, server.url, metainfo);
    assert.ok(node.swarm.seeding);
    assert.deepEqual(node.storage.data, data);
    const connected = node.events.find(({ event }) => event === "connected");
    assert.deepEqual({ ...connected }, {
      infoHash: metainfo.infoHash,
      event: "connected",
      peer: server.url,
      client: "web seed",
    });
    assert.deepEqual(node.reasons, ["both have everything"]);
    const complete = node.events.find((event) => event.event === "complete");
    assert.deepEqual(complete && "sources" in complete && complete.sources, { [server.url]: data.length });
  });
}

Deno.test("runWebSeed asks for whole pieces at once, not for blocks", async () => {
  await using server = serve(answer);
  await using node = new LoopbackNode(single, null);
  await download(node, server.url, single);
  assert.ok(server.requests <= 21, `${server.requests} requests`);
});

Deno.test("runWebSeed bans a server that sends wrong data, and does not come back to it", async () => {
  await using server = serve(async (range, count) => {
    const response = await answer(range, count);
    const bytes = new Uint8Array(await response.arrayBuffer());
    for (let at = 0; at < bytes.length; at += PIECE) bytes[at] ^= 1;
    return new Response(bytes, { status: 206, headers: response.headers });
  });
  await using node = new LoopbackNode(single, null);
  await download(node, server.url, single);
  assert.deepEqual(node.reasons, ["it sent wrong data"]);
  assert.equal(node.swarm.snapshot(node.now).have, 0);
  await download(node, server.url, single);
  assert.equal(node.reasons.length, 1);
  await using peer = new LoopbackNode(single, data, { id: 7 });
  node.dial(peer.listener.port);
  await until(() => node.swarm.seeding, "all data is here");
  assert.deepEqual(node.storage.data, data);
});

Deno.test("runWebSeed gives a server up for good that has not got the file", async () => {
  for (const status of [404, 416]) {
    await using server = serve(() => new Response("no", { status }));
    await using node = new LoopbackNode(single, null);
    await download(node, server.url, single);
    assert.deepEqual(node.reasons, [`Expected status 206, got ${status}`]);
    assert.equal(server.requests, 1);
  }
});

Deno.test("runWebSeed leaves a server alone that fails, and goes back to it after the pause", async () => {
  await using server = serve((range, count) => {
    if (count === 1) return new Response("busy", { status: 503 });
    if (count === 2) return new Response("broken", { status: 500 });
    return answer(range, count);
  });
  await using node = new LoopbackNode(single, null);
  const seed = new WebSeed(server.url, single, originalPaths(single.rawInfo), () => false);
  const { fetchRange } = seed;
  // As if the pauses were short, and every failure might pass.
  seed.fetchRange = async (...args) => {
    const failure = await fetchRange.apply(seed, args);
    return failure && { ...failure, retryInMs: 1 };
  };
  await runWebSeed(server.url, seed, node.swarm, () => node.now, AbortSignal.timeout(10_000));
  assert.deepEqual(node.storage.data, data);
  assert.equal(node.reasons.length, 3);
});

Deno.test("runWebSeed works beside peers and takes no place from them", async () => {
  let isPeerSource = false;
  await using server = serve(async (range, count) => {
    // Else the server may have sent everything before the peer is connected.
    await until(
      () => isPeerSource ||= node.swarm.snapshot(node.now).downloadSourcesUsed > 0,
      "a peer is a source",
    );
    return await answer(range, count);
  });
  await using node = new LoopbackNode(single, null);
  const uploadLimit = new RateLimiter(500_000, () => performance.now());
  await using peer = new LoopbackNode(single, data, { id: 7, uploadLimit });
  const running = download(node, server.url, single);
  assert.equal(node.swarm.snapshot(node.now).downloadSourcesUsed, 0);
  node.dial(peer.listener.port);
  await running;
  await until(() => node.swarm.seeding, "all data is here");
  const complete = node.events.find((event) => event.event === "complete");
  const sources = complete !== undefined && "sources" in complete ? complete.sources : {};
  assert.deepEqual(node.storage.data, data);
  assert.deepEqual(Object.keys(sources).sort(), [`127.0.0.1:${peer.listener.port}`, server.url].sort());
});

Deno.test("runWebSeed ends at once when the swarm stops", async () => {
  await using server = serve(() =>
    new Promise<Response>((resolve) => setTimeout(() => resolve(new Response()), 50))
  );
  await using node = new LoopbackNode(single, null);
  const running = download(node, server.url, single);
  await new Promise((resolve) => setTimeout(resolve, 20));
  node.swarm.stop();
  await running;
  assert.deepEqual(node.reasons, ["we are stopping"]);
});

/** A web server with the defect under test, and how often each path was asked for. */
function serveWith(answerTo: (path: string, request: Request) => Response) {
  const asked = new Map<string, number>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname);
    asked.set(path, (asked.get(path) ?? 0) + 1);
    return answerTo(path, request);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const fileAt = (path: string) =>
  path === "/album/a b" ? data.subarray(0, files[0].length) : data.subarray(files[0].length);

/** Downloads several files but for pieces that the server lacks, and returns what was warned of. */
async function warningsOf(node: LoopbackNode, url: string, lacking = 0): Promise<string[]> {
  const seed = new WebSeed(url, several, originalPaths(several.rawInfo), () => false);
  const warnings: string[] = [];
  const running = runWebSeed(
    url,
    seed,
    node.swarm,
    () => node.now,
    AbortSignal.timeout(10_000 * PATIENCE),
    (warning) => {
      warnings.push(warning);
    },
  );
  const wanted = several.layout.pieceCount - lacking;
  await until(
    () => warnings.length > 0 && node.swarm.snapshot(node.now).have === wanted,
    "all it has is here",
  );
  // What is lacking would be asked for again now.
  if (lacking > 0) setTimeout(() => node.swarm.stop(), 300);
  await running;
  return warnings;
}

Deno.test("runWebSeed downloads all from a server without ranges, each file once, and says so", async () => {
  await using server = serveWith((path) => new Response(fileAt(path).slice()));
  await using node = new LoopbackNode(several, null);
  const warnings = await warningsOf(node, server.url);
  assert.deepEqual(node.storage.data, data);
  assert.deepEqual([...server.asked.values()], [1, 1]);
  assert.deepEqual(warnings, ["it sends whole files only, so each is read from its beginning"]);
});

Deno.test("runWebSeed uses the other files of a server that lacks one, and says so", async () => {
  await using server = serveWith((path, request) => {
    if (path === "/album/a b") return new Response("no", { status: 404 });
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!.map(Number);
    return new Response(fileAt(path).slice(first, last + 1), {
      status: 206,
      headers: { "content-range": `bytes ${first}-${last}/${fileAt(path).length}` },
    });
  });
  await using node = new LoopbackNode(several, null);
  // Pieces 0 to 5 hold something of the file that is lacking.
  const warnings = await warningsOf(node, server.url, 6);
  assert.deepEqual(server.asked.get("/album/a b"), 1);
  assert.deepEqual(warnings, [
    "it cannot give album/a b, and is used for other files: Expected status 206, got 404",
  ]);
});

Deno.test("runWebSeed asks for a whole run of missing pieces at once", async () => {
  await using server = serve(answer);
  await using node = new LoopbackNode(single, null);
  await download(node, server.url, single);
  assert.deepEqual(node.storage.data, data);
  assert.ok(server.requests <= 2, `${server.requests} requests`);
});
