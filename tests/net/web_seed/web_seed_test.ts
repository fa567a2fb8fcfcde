import assert from "node:assert/strict";
import { WebSeed } from "../../../lib/net/web_seed/web_seed.ts";
import { encodeInfo, type InfoFile, parseInfo } from "../../../lib/protocol/metainfo.ts";
import { originalPaths } from "../../harness/data/torrents.ts";
import { METAINFO_LIMITS, WEB_SEED } from "../../../lib/settings.ts";
import { Tripwire } from "../../harness/sessions/tripwire.ts";

const PIECE = 32 * 1024;
const content = new Uint8Array(3 * PIECE - 1000).map((_, i) => i * 7 >> 4);
const never = new AbortController().signal;

function webSeed(
  base: string,
  files: InfoFile[] = [{ path: [], length: content.length }],
  isBlocked: (address: string) => boolean = () => false,
): WebSeed {
  const rawInfo = encodeInfo("the name", files, PIECE, new Uint8Array(60), false);
  const paths = originalPaths(rawInfo);
  return new WebSeed(base, parseInfo(rawInfo, METAINFO_LIMITS), paths, isBlocked);
}

type Handler = (request: Request, url: URL) => Response | Promise<Response>;

/** Runs `test` beside a server on loopback. */
async function withServer(handler: Handler, test: (base: string) => Promise<void>): Promise<void> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => handler(request, new URL(request.url)),
  );
  try {
    await test(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** A reply with the range a request asks for, of `bytes`. */
function partOf(request: Request, bytes: Uint8Array): Response {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!.map(Number);
  return new Response(bytes.slice(first, last + 1), {
    status: 206,
    headers: { "content-range": `bytes ${first}-${last}/${bytes.length}` },
  });
}

Deno.test("WebSeed fetches ranges of a single file", () =>
  withServer((request) => partOf(request, content), async (base) => {
    const seed = webSeed(`${base}/file`);
    for (
      const [index, begin, length] of [[0, 0, PIECE], [1, 16384, 16384], [2, 0, PIECE - 1000], [0, 5, 1]]
    ) {
      const target = new Uint8Array(length);
      assert.equal(await seed.fetchRange(index, begin, target, never), undefined);
      assert.deepEqual(target, content.subarray(index * PIECE + begin, index * PIECE + begin + length));
    }
  }));

Deno.test("WebSeed fetches a piece that lies in several files", async () => {
  const [a, b] = [content.subarray(0, 10_000), content.subarray(10_000)];
  const files = [{ path: ["a b"], length: a.length }, { path: ["sub", "b"], length: b.length }];
  const served: Record<string, Uint8Array> = { "/x/the%20name/a%20b": a, "/x/the%20name/sub/b": b };
  await withServer((request, url) => partOf(request, served[url.pathname]), async (base) => {
    const target = new Uint8Array(PIECE);
    assert.equal(await webSeed(`${base}/x`, files).fetchRange(0, 0, target, never), undefined);
    assert.deepEqual(target, content.subarray(0, PIECE));
  });
});

Deno.test("WebSeed reads a file from its beginning to its end once where the server sends whole files only", async () => {
  let requests = 0;
  const handler = () => {
    requests++;
    return new Response(content.slice());
  };
  await withServer(handler, async (base) => {
    const seed = webSeed(`${base}/file`);
    const fetchAt = async (begin: number) => {
      const target = new Uint8Array(1000);
      assert.equal(await seed.fetchRange(0, begin, target, never), undefined);
      assert.deepEqual(target, content.subarray(begin, begin + 1000));
    };
    for (let begin = 5; begin < content.length - 1000; begin += 7_000) await fetchAt(begin);
    await fetchAt(content.length - 1000);
    assert.deepEqual([requests, seed.sendsWholeFiles], [1, true]);
    await fetchAt(50);
    assert.equal(requests, 2);
    seed.close();
  });
});

Deno.test("WebSeed asks once for a run that is read in parts, and anew for what lies elsewhere", async () => {
  const asked: (string | null)[] = [];
  const handler: Handler = (request) => {
    asked.push(request.headers.get("range"));
    return partOf(request, content);
  };
  await withServer(handler, async (base) => {
    const seed = webSeed(`${base}/file`);
    const fetchAt = (begin: number, runLength: number) =>
      seed.fetchRange(0, begin, new Uint8Array(1000), never, { runLength });
    for (
      const [begin, runLength] of [[0, 50_000], [1_000, 49_000], [10_000, 1], [49_000, 1], [60_000, 1], [
        0,
        1,
      ]]
    ) {
      assert.equal(await fetchAt(begin, runLength), undefined);
    }
    assert.deepEqual(asked, ["bytes=0-49999", "bytes=60000-60999", "bytes=0-999"]);
    seed.close();
  });
});

Deno.test("WebSeed asks again for the rest where an answer is shorter than it was to be", async () => {
  const capped: Handler = (request) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range")!)!.map(Number);
    const end = Math.min(last + 1, first + 3_000);
    return new Response(content.slice(first, end), {
      status: 206,
      headers: { "content-range": `bytes ${first}-${end - 1}/${content.length}` },
    });
  };
  const torn: Handler = (request) => {
    const whole = partOf(request, content);
    return new Response(
      whole.body!.pipeThrough(
        new TransformStream({
          transform(chunk, controller) {
            controller.enqueue(chunk.subarray(0, 5_000));
            controller.terminate();
          },
        }),
      ),
      whole,
    );
  };
  for (const handler of [capped, torn]) {
    await withServer(handler, async (base) => {
      const seed = webSeed(`${base}/file`);
      const target = new Uint8Array(PIECE);
      assert.equal(await seed.fetchRange(0, 0, target, never), undefined);
      assert.deepEqual(target, content.subarray(0, PIECE));
      assert.ok(seed.sendsLess);
      seed.close();
    });
  }
});

Deno.test("WebSeed gives up a file that the server has not got, and no other", async () => {
  const [a, b] = [content.subarray(0, 40_000), content.subarray(40_000)];
  const files = [{ path: ["a"], length: a.length }, { path: ["b"], length: b.length }];
  const handler: Handler = (request, url) =>
    url.pathname.endsWith("/a") ? new Response("no", { status: 404 }) : partOf(request, b);
  await withServer(handler, async (base) => {
    const seed = webSeed(base, files);
    const failure = await seed.fetchRange(1, 0, new Uint8Array(PIECE), never);
    assert.deepEqual(failure, { reason: "Expected status 206, got 404", retryInMs: undefined, file: 0 });
    assert.deepEqual([...seed.offered], [2]);
    assert.equal(await seed.fetchRange(2, 0, new Uint8Array(1000), never), undefined);
    seed.close();
  });
});

/** What becomes of a request to a server that answers like this. */
async function failureOf(handler: Handler) {
  let failure: Awaited<ReturnType<WebSeed["fetchRange"]>>;
  await withServer(handler, async (base) => {
    failure = await webSeed(`${base}/file`).fetchRange(0, 0, new Uint8Array(PIECE), never);
  });
  assert.ok(failure !== undefined);
  return failure;
}

Deno.test("WebSeed gives up for good where the server will not do better next time", async () => {
  for (const status of [400, 401, 403, 404, 410, 416]) {
    const { reason, retryInMs } = await failureOf(() => new Response("no", { status }));
    assert.equal(reason, `Expected status 206, got ${status}`);
    assert.equal(retryInMs, undefined);
  }
});

Deno.test("WebSeed comes back later where the failure may pass, as late as the server asks", async () => {
  for (const status of [429, 500, 502, 503]) {
    assert.equal((await failureOf(() => new Response("no", { status }))).retryInMs, WEB_SEED.retryMs);
  }
  const busy = () => new Response("no", { status: 503, headers: { "retry-after": "77" } });
  assert.equal((await failureOf(busy)).retryInMs, 77_000);
  const forever = () => new Response("no", { status: 503, headers: { "retry-after": "999999" } });
  assert.equal((await failureOf(forever)).retryInMs, WEB_SEED.retryMaxMs);
});

Deno.test("WebSeed waits longer after each failure, and begins anew after a success", async () => {
  let isBroken = true;
  const handler: Handler = (request) =>
    isBroken ? new Response("no", { status: 500 }) : partOf(request, content);
  await withServer(handler, async (base) => {
    const seed = webSeed(`${base}/file`);
    const fetchOnce = () => seed.fetchRange(0, 0, new Uint8Array(100), never);
    assert.equal((await fetchOnce())?.retryInMs, WEB_SEED.retryMs);
    assert.equal((await fetchOnce())?.retryInMs, 2 * WEB_SEED.retryMs);
    isBroken = false;
    assert.equal(await fetchOnce(), undefined);
    isBroken = true;
    assert.equal((await fetchOnce())?.retryInMs, WEB_SEED.retryMs);
  });
});

Deno.test("WebSeed refuses bodies of another length and ranges of another place", async () => {
  const reply = (body: Uint8Array, range: string) =>
    new Response(body.slice(), { status: 206, headers: { "content-range": range } });
  const right = `bytes 0-${PIECE - 1}/${content.length}`;
  const short = await failureOf(() => reply(content.subarray(0, 100), right));
  assert.match(short.reason, /Expected 32768 bytes, got 100/);
  assert.equal(short.retryInMs, WEB_SEED.retryMs);
  assert.match((await failureOf(() => reply(content, right))).reason, /got more/);
  for (const range of [`bytes 1-${PIECE}/${content.length}`, `bytes 0-${PIECE - 1}/999`, "x"]) {
    assert.match(
      (await failureOf(() => reply(content.subarray(0, PIECE), range))).reason,
      /Expected the range/,
    );
  }
});

Deno.test("WebSeed takes a range whose file length the server does not know", async () => {
  const handler = () =>
    new Response(content.slice(0, 10), { status: 206, headers: { "content-range": "bytes 0-9/*" } });
  await withServer(handler, async (base) => {
    assert.equal(await webSeed(`${base}/file`).fetchRange(0, 0, new Uint8Array(10), never), undefined);
  });
});

const redirect = (location: string) => new Response(null, { status: 302, headers: { location } });

Deno.test("WebSeed follows redirects, up to a limit", async () => {
  const handler: Handler = (request, url) => {
    const left = Number(url.pathname.slice(1));
    return left === 0 ? partOf(request, content) : redirect(`/${left - 1}`);
  };
  await withServer(handler, async (base) => {
    const target = new Uint8Array(100);
    const enough = webSeed(`${base}/${WEB_SEED.maxRedirects}`);
    assert.equal(await enough.fetchRange(0, 0, target, never), undefined);
    assert.deepEqual(target, content.subarray(0, 100));
    const tooMany = await webSeed(`${base}/${WEB_SEED.maxRedirects + 1}`).fetchRange(0, 0, target, never);
    assert.match(tooMany!.reason, /at most \d+ redirects/);
    assert.equal(tooMany!.retryInMs, undefined);
  });
});

Deno.test("WebSeed keeps connections to few servers, however many it is redirected to", async () => {
  const original = { fetch: globalThis.fetch, createHttpClient: Deno.createHttpClient };
  let open = 0, most = 0, asked = 0;
  Deno.createHttpClient = ((options: Deno.CreateHttpClientOptions) => {
    most = Math.max(most, ++open);
    const client = original.createHttpClient(options);
    const close = client.close.bind(client);
    client.close = () => {
      open--;
      close();
    };
    return client;
  }) as typeof Deno.createHttpClient;
  const range = `bytes 0-9/${content.length}`;
  globalThis.fetch = () =>
    Promise.resolve(
      asked++ % 2 === 0
        ? redirect(`http://203.0.113.5:${asked}/file`)
        : new Response(content.slice(0, 10), { status: 206, headers: { "content-range": range } }),
    );
  try {
    const seed = webSeed("http://203.0.113.5/file");
    for (let requests = 0; requests < 100; requests++) {
      assert.equal(await seed.fetchRange(0, 0, new Uint8Array(10), never), undefined);
      assert.ok(most <= WEB_SEED.maxServers);
    }
    seed.close();
    assert.deepEqual([asked, open], [200, 0]);
  } finally {
    Object.assign(globalThis, { fetch: original.fetch });
    Deno.createHttpClient = original.createHttpClient;
  }
});

Deno.test("WebSeed follows no redirect to other schemes, user names, link-local addresses or local queries", async () => {
  const locations = [
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "http://user@127.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1]/",
    "http://0.0.0.0/",
    "http://[::ffff:169.254.169.254]/",
    "/delete?all=1",
    "http://",
  ];
  for (const location of locations) {
    const { reason, retryInMs } = await failureOf(() => redirect(location));
    assert.match(reason, /Expected a redirect|Refused a redirect|no query/, location);
    assert.equal(retryInMs, undefined);
  }
});

Deno.test("WebSeed follows no redirect from afar to near", async () => {
  const asked: string[] = [];
  const original = globalThis.fetch;
  globalThis.fetch = (input) => {
    asked.push(String(input));
    return Promise.resolve(redirect(asked.length === 1 ? "http://10.0.0.1/file" : "http://127.0.0.1:1/file"));
  };
  try {
    for (
      const [start, why] of [["203.0.113.5", "leads from afar to near"], ["192.168.0.5", "to this machine"]]
    ) {
      asked.length = 0;
      const failure = await webSeed(`http://${start}/file`).fetchRange(0, 0, new Uint8Array(10), never);
      assert.match(failure!.reason, new RegExp(`^Refused a redirect .*${why}`));
      assert.equal(failure!.retryInMs, undefined);
    }
    assert.deepEqual(asked, ["http://192.168.0.5/file", "http://10.0.0.1/file"]);
  } finally {
    globalThis.fetch = original;
  }
});

Deno.test("WebSeed follows no redirect to another service of this machine", async () => {
  using tripwire = new Tripwire();
  for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]) {
    const { reason, retryInMs } = await failureOf(() => redirect(`http://${host}:${tripwire.port}/file`));
    assert.match(reason, /^Refused a redirect to this machine/);
    assert.equal(retryInMs, undefined);
  }
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("WebSeed asks nobody at a blocked address, at first or by a redirect", async () => {
  using tripwire = new Tripwire();
  const blocked = webSeed(`http://127.0.0.1:${tripwire.port}/file`, undefined, () => true);
  const failure = await blocked.fetchRange(0, 0, new Uint8Array(10), never);
  assert.deepEqual(failure, { reason: "Its address is blocked", retryInMs: undefined });
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("WebSeed tells what went wrong without control characters and what is secret in a URL", async () => {
  const reply = new Response("", { status: 206, headers: { "content-range": "bytes \x9b31m \xff" } });
  assert.doesNotMatch((await failureOf(() => reply)).reason, /\p{Cc}/u);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const seed = webSeed(`http://127.0.0.1:${listener.addr.port}/secret/file`);
  const { reason } = (await seed.fetchRange(0, 0, new Uint8Array(10), never))!;
  assert.doesNotMatch(reason, /secret/);
});

Deno.test("WebSeed asks no link-local address and puts no query to the local network", async () => {
  for (
    const base of [
      "http://169.254.169.254/x",
      "http://[fe80::1]/x",
      "http://0.0.0.0/x",
      "http://127.0.0.1:1/x?q=1",
    ]
  ) {
    const failure = await webSeed(base).fetchRange(0, 0, new Uint8Array(10), never);
    assert.equal(failure?.retryInMs, undefined);
    assert.match(failure!.reason, /may be asked|no query/, base);
  }
});

Deno.test("WebSeed says so when nobody is there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const failure = await webSeed(`http://localhost:${port}/file`).fetchRange(0, 0, new Uint8Array(10), never);
  assert.equal(failure?.retryInMs, WEB_SEED.retryMs);
});

Deno.test("WebSeed rejects when the caller aborts", async () => {
  const abort = new AbortController();
  const handler: Handler = () => {
    abort.abort(new Error("enough"));
    return new Promise<Response>((resolve) => setTimeout(() => resolve(new Response("late")), 20));
  };
  await withServer(handler, async (base) => {
    const fetching = webSeed(`${base}/file`).fetchRange(0, 0, new Uint8Array(10), abort.signal);
    await assert.rejects(fetching, /enough/);
  });
});
