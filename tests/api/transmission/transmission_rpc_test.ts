/** The handshake, the encoding of answers, and clients that mean harm. */
import assert from "node:assert/strict";
import { FakeSession, hashOf, RpcClient, torrentOf } from "./fake_session.ts";

const URL = "http://127.0.0.1:9091/transmission/rpc";
const ID = "X-Transmission-Session-Id";

function client(count = 1): RpcClient {
  const session = new FakeSession();
  session.torrents = Array.from(
    { length: count },
    (_, at) =>
      torrentOf("a", { infoHash: hashOf("a").slice(6) + String(100_000 + at) as never, number: at + 1 }),
  );
  return new RpcClient(session);
}

Deno.test("RPC: without the session id of this run, the answer is 409 with that id", async () => {
  const { rpc } = client();
  const first = await rpc.answer(new Request(URL, { method: "POST", body: "{}" }));
  assert.equal(first.status, 409);
  assert.equal(first.headers.get("X-Transmission-Rpc-Version"), "6.0.0");
  assert.equal(first.headers.get("Access-Control-Allow-Origin"), null);
  const id = first.headers.get(ID)!;
  assert.match(id, /^\w{48}$/);
  assert.match(await first.text(), new RegExp(id));
  for (const wrong of ["", id.slice(1), id.toUpperCase() + "x", "x".repeat(48)]) {
    const headers = { [ID]: wrong };
    assert.equal((await rpc.answer(new Request(URL, { method: "POST", headers }))).status, 409);
  }
  const request = new Request(URL, { method: "POST", headers: { [ID]: id }, body: `{"method":"port-test"}` });
  assert.equal((await rpc.answer(request)).status, 200);
  const other = await client().rpc.answer(new Request(URL, { method: "POST" }));
  assert.notEqual(other.headers.get(ID), id);
});

Deno.test("RPC: only POST is answered, after the handshake", async () => {
  const { rpc } = client();
  const refusal = await rpc.answer(new Request(URL));
  assert.equal(refusal.status, 409);
  const headers = { [ID]: refusal.headers.get(ID)! };
  assert.equal((await rpc.answer(new Request(URL, { headers }))).status, 405);
});

Deno.test("RPC: the answer to a client that takes gzip is compressed unless it is short", async () => {
  const rpc = client();
  const post = async (encoding: string, method = "session-get") => {
    const response = await rpc.post(JSON.stringify({ method }), { "Accept-Encoding": encoding });
    return [response.headers.get("Content-Encoding"), await response.bytes()] as const;
  };
  const [coding, bytes] = await post("deflate, gzip;q=0.8");
  assert.equal(coding, "gzip");
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  assert.equal((await new Response(plain).json()).result, "success");
  for (const encoding of ["", "identity", "gzip;q=0", "br", "gzipped"]) {
    assert.equal((await post(encoding))[0], null);
  }
  assert.equal((await post("gzip", "port-test"))[0], null);
});

Deno.test("RPC: the type of the content is not looked at", async () => {
  for (const type of ["application/json", "application/x-www-form-urlencoded", "json", "text/plain"]) {
    const response = await client().post(`{"method":"port-test"}`, { "Content-Type": type });
    assert.equal((await response.json()).result, "success");
  }
});

Deno.test("RPC: deep and endless JSON is refused in no time", async () => {
  const rpc = client();
  const million = 1_000_000;
  const bodies = {
    "brackets": "[".repeat(million) + "]".repeat(million),
    "objects": `{"a":`.repeat(million),
    "a deep tag": `{"method":"session-get","tag":${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
    "a million ids": JSON.stringify({ method: "torrent-get", arguments: { ids: Array(million).fill(1) } }),
    "a million calls": `[${Array(million).fill("1").join()}]`,
    "escapes": `{"method":"${'\\"'.repeat(million)}`,
  };
  for (const [what, body] of Object.entries(bodies)) {
    const startedAt = performance.now();
    const { error } = await (await rpc.post(body)).json();
    assert.equal(error.code, -32700, what);
    assert.ok(performance.now() - startedAt < 1_000, `${what} took ${performance.now() - startedAt} ms`);
  }
});

Deno.test("RPC: a long text and brackets in texts are no deep JSON", async () => {
  const rpc = client();
  const name = "[".repeat(100) + '\\"' + "{".repeat(100);
  const { result } = await (await rpc.post(`{"method":"port-test","arguments":{"x":"${name}"}}`)).json();
  assert.equal(result, "success");
});

Deno.test("RPC: 100,000 ids are looked up in no time", async () => {
  const rpc = client(1_000);
  const ids = Array.from({ length: 99_000 }, (_, at) => at);
  const startedAt = performance.now();
  const { torrents } = await rpc.legacy("torrent-get", { ids, fields: ["id"] });
  assert.equal((torrents as unknown[]).length, 1_000);
  assert.ok(performance.now() - startedAt < 3_000);
});

Deno.test("RPC: values of any type are answered, never with a status above 299", async () => {
  const values = [
    null,
    true,
    0,
    -1,
    1e400,
    2 ** 53,
    "",
    "x",
    [],
    [null],
    [[]],
    {},
    { ids: 1 },
    ["\ud800"],
    "__proto__",
  ];
  const names = [
    "ids",
    "fields",
    "format",
    "filename",
    "metainfo",
    "paused",
    "labels",
    "download-dir",
    "files-wanted",
    "files-unwanted",
    "priority-high",
    "downloadLimit",
    "seedRatioLimit",
    "seedRatioMode",
    "queuePosition",
    "trackerList",
    "trackerReplace",
    "trackerRemove",
    "speed-limit-down",
    "alt-speed-time-day",
    "path",
    "ip_protocol",
    "delete-local-data",
  ];
  const methods = [
    "torrent-get",
    "torrent-set",
    "torrent-add",
    "torrent-remove",
    "session-get",
    "session-set",
  ];
  const rpc = client();
  for (const method of [...methods, "free-space", "port-test", "queue-move-up", "group-set", "group-get"]) {
    for (const name of names) {
      for (const value of values) {
        const body = JSON.stringify({ method, arguments: { [name]: value }, tag: 1 });
        const response = await rpc.post(body);
        const { result, tag } = await response.json();
        assert.deepEqual([response.status, typeof result, tag], [200, "string", 1], body);
      }
    }
    for (const params of values) {
      assert.equal((await rpc.post(JSON.stringify({ method, arguments: params }))).status, 200);
    }
  }
  assert.deepEqual(rpc.log, []);
});
