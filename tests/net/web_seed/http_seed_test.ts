import assert from "node:assert/strict";
import { HttpSeed } from "../../../lib/net/web_seed/http_seed.ts";
import { runWebSeed } from "../../../lib/net/web_seed/web_seed_peer.ts";
import { WEB_SEED } from "../../../lib/settings.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";
import { type AskedPiece, serveHttpSeed } from "../../harness/sessions/http_seed_server.ts";
import { LoopbackNode, PATIENCE, until } from "../../harness/sessions/loopback_node.ts";

const PIECE = 32 * 1024;
const data = randomBytes(5 * PIECE + 700, 17);
const metainfo = metainfoOf(data, PIECE, "album", [
  { path: ["a b"], length: PIECE + 9 },
  { path: ["c"], length: data.length - PIECE - 9 },
]);
const never = new AbortController().signal;

const httpSeed = (url: string) => new HttpSeed(url, metainfo, () => false);

/** The asked ranges, as piece and range. */
const ranges = (asked: readonly AskedPiece[]) =>
  asked.map(({ piece, first, last }) => `${piece}: ${first}-${last}`);

/** What becomes of a request to a script that answers like this. */
async function failureOf(answer: (asked: AskedPiece) => Response) {
  await using server = serveHttpSeed(data, metainfo, answer);
  const failure = await httpSeed(server.url).fetchRange(0, 0, new Uint8Array(1000), never);
  assert.ok(failure !== undefined);
  return failure;
}

Deno.test("HttpSeed asks piece by piece, whatever files they lie in", async () => {
  for (const query of ["", "?script=1"]) {
    await using server = serveHttpSeed(data, metainfo);
    const seed = httpSeed(server.url);
    const target = new Uint8Array(2 * PIECE);
    assert.equal(await seed.fetchRange(0, 16_384, target, never), undefined, query);
    assert.deepEqual(target, data.subarray(16_384, 16_384 + 2 * PIECE));
    const last = new Uint8Array(700);
    assert.equal(await seed.fetchRange(5, 0, last, never), undefined);
    assert.deepEqual(last, data.subarray(5 * PIECE));
    assert.deepEqual(ranges(server.asked), ["0: 16384-32767", "1: 0-32767", "2: 0-16383", "5: 0-699"]);
    seed.close();
  }
});

Deno.test("HttpSeed asks once for a run that is read in parts, up to the end of the piece", async () => {
  await using server = serveHttpSeed(data, metainfo);
  const seed = httpSeed(server.url);
  for (let begin = 0; begin < PIECE; begin += 8192) {
    const target = new Uint8Array(8192);
    assert.equal(await seed.fetchRange(1, begin, target, never, { runLength: 5 * PIECE }), undefined);
    assert.deepEqual(target, data.subarray(PIECE + begin, PIECE + begin + 8192));
  }
  assert.deepEqual(ranges(server.asked), ["1: 0-32767"]);
  seed.close();
});

Deno.test("HttpSeed takes the range or the whole piece, with status 200 or 206", async () => {
  const wholePiece = ({ piece }: AskedPiece) => new Response(data.slice(piece * PIECE, (piece + 1) * PIECE));
  const partial = ({ bytes }: AskedPiece) => new Response(bytes, { status: 206 });
  const unknownLength = ({ bytes }: AskedPiece) => new Response(new Blob([bytes]).stream());
  for (const answer of [wholePiece, partial, unknownLength]) {
    await using server = serveHttpSeed(data, metainfo, answer);
    const target = new Uint8Array(1000);
    assert.equal(await httpSeed(server.url).fetchRange(2, 5000, target, never), undefined);
    assert.deepEqual(target, data.subarray(2 * PIECE + 5000, 2 * PIECE + 6000));
  }
});

Deno.test("HttpSeed waits as long as a busy script says, within bounds", async () => {
  const pauses: [string, number][] = [
    ["1", 1_000],
    ["30", 30_000],
    [" 77\r\n", 77_000],
    ["999999", WEB_SEED.retryMaxMs],
    ["0", WEB_SEED.retryMs],
    ["", WEB_SEED.retryMs],
    ["-5", WEB_SEED.retryMs],
    ["soon", WEB_SEED.retryMs],
    ["9".repeat(100), WEB_SEED.retryMs],
    [`12${"x".repeat(100_000)}`, WEB_SEED.retryMs],
  ];
  for (const [text, expected] of pauses) {
    const failure = await failureOf(() => new Response(text, { status: 503 }));
    assert.deepEqual(failure, { reason: "Expected status 200, got 503", retryInMs: expected }, text);
  }
  const header = () => new Response("busy", { status: 503, headers: { "retry-after": "40" } });
  assert.equal((await failureOf(header)).retryInMs, 40_000);
  assert.equal((await failureOf(() => new Response("30", { status: 500 }))).retryInMs, WEB_SEED.retryMs);
});

Deno.test("HttpSeed gives up a piece that the script has not got, and the script after a few", async () => {
  for (const status of [400, 403, 404, 410]) {
    await using server = serveHttpSeed(data, metainfo, () => new Response("no", { status }));
    const seed = httpSeed(server.url);
    for (let piece = 0; piece < WEB_SEED.maxLackedPieces; piece++) {
      const failure = await seed.fetchRange(piece, 0, new Uint8Array(1000), never);
      assert.deepEqual(failure, {
        reason: `Expected status 200, got ${status}`,
        retryInMs: undefined,
        ...(piece < WEB_SEED.maxLackedPieces - 1 ? { piece } : {}),
      });
    }
  }
  await using server = serveHttpSeed(
    data,
    metainfo,
    ({ piece, bytes }) => piece === 3 ? new Response("no", { status: 404 }) : new Response(bytes),
  );
  const seed = httpSeed(server.url);
  const target = new Uint8Array(1000);
  assert.equal(await seed.fetchRange(0, 0, target, never), undefined);
  const failure = await seed.fetchRange(3, 0, target, never);
  assert.deepEqual(failure, { reason: "Expected status 200, got 404", retryInMs: undefined, piece: 3 });
  assert.deepEqual([...seed.offered], [0, 1, 2, 4, 5]);
  assert.equal(await seed.fetchRange(4, 0, target, never), undefined);
  seed.close();
});

Deno.test("HttpSeed refuses bodies of another length and encoded ones", async () => {
  const page = new Response("<html>".repeat(1000));
  assert.match((await failureOf(() => page)).reason, /Expected 1000 bytes of a piece, got 6000/);
  const encoded = ({ bytes }: AskedPiece) => new Response(bytes, { headers: { "content-encoding": "x" } });
  assert.match((await failureOf(encoded)).reason, /plain bytes/);
  const longer = () => new Response(new Blob([data.slice(0, 1001)]).stream());
  assert.match((await failureOf(longer)).reason, /got more/);
  const shorter = () => new Response(new Blob([data.slice(0, 999)]).stream());
  const { reason, retryInMs } = await failureOf(shorter);
  assert.match(reason, /Expected 1000 bytes, got 999/);
  assert.equal(retryInMs, WEB_SEED.retryMs);
});

Deno.test("HttpSeed is held to the rules for web seeds, its own query aside", async () => {
  for (const base of ["", "h/seed.php", "ftp://h/seed", "file:///etc/passwd", "http://user:secret@h/seed"]) {
    assert.throws(() => httpSeed(base), TypeError, base);
  }
  for (
    const base of ["http://127.0.0.1:1/seed?x=1", "http://[fe80::1]/seed", "http://169.254.169.254/seed"]
  ) {
    const failure = await httpSeed(base).fetchRange(0, 0, new Uint8Array(10), never);
    assert.equal(failure?.retryInMs, undefined);
    assert.match(failure!.reason, /may be asked|no query/, base);
  }
  const blocked = new HttpSeed("http://127.0.0.1:1/seed", metainfo, () => true);
  const failure = await blocked.fetchRange(0, 0, new Uint8Array(10), never);
  assert.deepEqual(failure, { reason: "Its address is blocked", retryInMs: undefined });
});

Deno.test("HttpSeed follows a redirect that passes its query on, and none to another query", async () => {
  const moved = (location: string) => new Response(null, { status: 302, headers: { location } });
  await using server = serveHttpSeed(
    data,
    metainfo,
    ({ url, bytes }) =>
      url.pathname === "/seed.php" ? moved(`/new/seed.php${url.search}`) : new Response(bytes),
  );
  const target = new Uint8Array(1000);
  assert.equal(await httpSeed(server.url).fetchRange(1, 0, target, never), undefined);
  assert.deepEqual(target, data.subarray(PIECE, PIECE + 1000));
  assert.deepEqual(server.asked.map(({ url }) => url.pathname), ["/seed.php", "/new/seed.php"]);
  for (const location of ["/delete?all=1", "?all=1", "/seed.php?piece=1"]) {
    assert.match((await failureOf(() => moved(location))).reason, /no query/, location);
  }
});

Deno.test("runWebSeed downloads from a script that is busy for a while and lacks a piece, and says so", async () => {
  await using server = serveHttpSeed(data, metainfo, ({ piece, bytes, count }) => {
    if (count === 1) return new Response("1", { status: 503 });
    return piece === 4 ? new Response("no", { status: 404 }) : new Response(bytes);
  });
  await using node = new LoopbackNode(metainfo, null);
  const warnings: string[] = [];
  const signal = AbortSignal.timeout(10_000 * PATIENCE);
  const running = runWebSeed(
    server.url,
    httpSeed(server.url),
    node.swarm,
    () => node.now,
    signal,
    (warning) => {
      warnings.push(warning);
    },
  );
  await until(() => warnings.length > 0 && node.swarm.snapshot(node.now).have === 5, "all it has is here");
  node.swarm.stop();
  await running;
  assert.deepEqual(node.reasons, ["Expected status 200, got 503", "we are stopping"]);
  assert.deepEqual(warnings, [
    "it cannot give piece 4, and is used for other pieces: Expected status 200, got 404",
  ]);
});
