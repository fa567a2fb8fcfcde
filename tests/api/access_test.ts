import assert from "node:assert/strict";
import { Access } from "../../lib/api/access/access.ts";
import { FailedTries } from "../../lib/api/access/failed_tries.ts";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import { parseHttpRequest } from "../../lib/protocol/http_request.ts";
import { API } from "../../lib/settings.ts";
import { ApiHome } from "./api_home.ts";

/** A request for the state, with these header lines beside the closing one. */
const ask = (headers: readonly string[], line = "GET /api/v1/state HTTP/1.1") =>
  [line, ...headers, "Connection: close", "", ""].join("\n");

const HOST = "Host: 127.0.0.1";

Deno.test("over TCP everything but the sign of life needs the token, in its header", async () => {
  await using home = await ApiHome.start();
  const right = `Authorization: Bearer ${home.token}`;
  const statusOf = async (headers: string[], line?: string) =>
    (await home.raw(ask([HOST, ...headers], line))).status;
  assert.equal(await statusOf([right]), 200);
  assert.equal(await statusOf([], "GET /healthz HTTP/1.1"), 200);
  const refused: [headers: string[], line?: string][] = [
    [[]],
    [["Authorization: Bearer"]],
    [[`Authorization: Bearer ${home.token}x`]],
    [[`Authorization: Bearer ${home.token.slice(1)}`]],
    [[`Authorization: ${home.token}`]],
    [[`Cookie: token=${home.token}`]],
    [[], `GET /api/v1/state?token=${home.token} HTTP/1.1`],
    [[], "GET /healthz/../api/v1/state HTTP/1.1"],
    [[], "GET /api/v1/events HTTP/1.1"],
    [[], "GET /api/v1/openapi.json HTTP/1.1"],
    [[], "GET /metrics HTTP/1.1"],
    [[], "GET /nothing HTTP/1.1"],
    [[], "POST /api/v1/session/stop HTTP/1.1"],
    [[], "POST /transmission/rpc HTTP/1.1"],
  ];
  for (const [headers, line] of refused) {
    assert.equal(await statusOf(headers, line), 401, `${headers} ${line}`);
  }
  assert.equal(home.stops, 0);
  const { text } = await home.raw(ask([HOST]));
  assert.match(text, /^WWW-Authenticate: Bearer/m);
  assert.doesNotMatch(text, /Set-Cookie|Access-Control/i);
});

Deno.test("with an open RPC, clients on this machine need no password for it, and for nothing else", async () => {
  await using home = await ApiHome.start({ isRpcOpen: true });
  const statusOf = async (line: string, ...headers: string[]) =>
    (await home.raw(ask([HOST, ...headers], line))).status;
  const rpc = "POST /transmission/rpc HTTP/1.1";
  assert.equal(await statusOf(rpc), 409, "it only lacks the session id");
  assert.equal(await statusOf("POST /transmission/rpc/ HTTP/1.1"), 409);
  assert.equal(await statusOf(rpc, "Origin: http://evil.test"), 403);
  assert.equal((await home.raw(ask(["Host: evil.test"], rpc))).status, 421);
  assert.equal(await statusOf("GET /api/v1/state HTTP/1.1"), 401);
  assert.equal(await statusOf("GET /metrics HTTP/1.1"), 401);
});

Deno.test("an open RPC still asks clients on other machines", () => {
  const access = new Access({ token: "t", password: "p", isRpcOpen: true, names: [], now: () => 0 });
  const request = parseHttpRequest(toUtf8("POST /transmission/rpc HTTP/1.1\r\nHost: 10.0.0.5\r\n\r\n"));
  const refusal = (address: string) => access.refusal(request, { address, port: 1 }, "basic")?.status;
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert.equal(refusal(address), undefined, address);
  }
  for (const address of ["10.0.0.7", "169.254.1.1", "fe80::1", "::ffff:10.0.0.7"]) {
    assert.equal(refusal(address), 401, address);
  }
});

Deno.test("a request for another host's name is refused, so that no name can be bent to lead here", async () => {
  await using home = await ApiHome.start();
  const right = `Authorization: Bearer ${home.token}`;
  const ours = [
    "127.0.0.1",
    "127.0.0.1:9091",
    "localhost",
    "LOCALHOST:1",
    "[::1]:9091",
    Deno.hostname(),
    `${Deno.hostname()}.local`,
  ];
  for (const host of ours) assert.equal((await home.raw(ask([`Host: ${host}`, right]))).status, 200, host);
  const others = [
    "evil.test",
    "evil.test:9091",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "",
    "evil@127.0.0.1",
    "127.1",
    "localhost:123456",
  ];
  for (const host of others) assert.equal((await home.raw(ask([`Host: ${host}`, right]))).status, 421, host);
  assert.equal((await home.raw(ask([right]))).status, 421);
  assert.equal((await home.raw(ask([HOST, "Host: evil.test", right]))).status, 421);
  assert.equal((await home.raw(ask(["Host: evil.test"], "GET /healthz HTTP/1.1"))).status, 421);
});

Deno.test("an order that a page of another origin gives is refused, even with the token", async () => {
  await using home = await ApiHome.start();
  const order = async (...headers: string[]) => {
    const known = [HOST, `Authorization: Bearer ${home.token}`, "Content-Length: 2"];
    const { status } = await home.raw(
      `${ask([...known, ...headers], "POST /api/v1/session/stop HTTP/1.1")}{}`,
    );
    return status;
  };
  assert.equal(await order(), 200);
  assert.equal(await order("Origin: http://127.0.0.1", "Sec-Fetch-Site: same-origin"), 200);
  assert.equal(home.stops, 2);
  for (
    const origin of [
      "http://evil.test",
      "null",
      "http://127.0.0.1:81",
      "https://127.0.0.1",
      "http://127.0.0.1.evil.test",
    ]
  ) {
    assert.equal(await order(`Origin: ${origin}`), 403, origin);
  }
  for (const site of ["cross-site", "same-site", "other"]) {
    assert.equal(await order(`Sec-Fetch-Site: ${site}`), 403);
  }
  assert.equal(home.stops, 2);
});

Deno.test("what is asked in a way that is not served is refused before any body is read", async () => {
  await using home = await ApiHome.start();
  const known = [HOST, `Authorization: Bearer ${home.token}`];
  const statusOf = async (headers: string[], line: string) =>
    (await home.raw(ask([...known, ...headers], line))).status;
  const order = "POST /api/v1/session/stop HTTP/1.1";
  assert.equal(await statusOf([`Content-Length: ${API.maxOrderBytes + 1}`], order), 413);
  assert.equal(
    await statusOf([`Content-Length: ${API.maxTorrentBytes + 1}`], "POST /api/v1/torrents HTTP/1.1"),
    413,
  );
  assert.equal(await statusOf(["Transfer-Encoding: chunked"], order), 411);
  for (const method of ["OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "FOO"]) {
    const { status, text } = await home.raw(ask(known, `${method} /api/v1/state HTTP/1.1`));
    assert.equal(status, 405, method);
    assert.doesNotMatch(text, /Access-Control/i);
  }
  // The secret comes first: a stranger's body is not waited for.
  const { status } = await home.raw(ask([HOST, `Content-Length: ${API.maxTorrentBytes}`], order));
  assert.equal(status, 401);
});

Deno.test("every answer forbids frames, guessed types and foreign scripts", async () => {
  await using home = await ApiHome.start();
  const right = `Authorization: Bearer ${home.token}`;
  for (const request of [ask([HOST, right]), ask([HOST]), ask([]), ask([HOST, right], "GET /x HTTP/1.1")]) {
    const { text } = await home.raw(request);
    assert.match(text, /^Content-Security-Policy: default-src 'self';.*frame-ancestors 'none'\r$/m);
    assert.match(text, /^X-Frame-Options: DENY\r$/m);
    assert.match(text, /^X-Content-Type-Options: nosniff\r$/m);
  }
});

Deno.test("a password opens, whatever the user is called; those who guess have to wait longer and longer", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "pass wörd\nsecond line\n");
  await using home = await ApiHome.start({ passwordFile: file });
  await Deno.remove(file);
  const basic = (password: string) =>
    `Authorization: Basic ${new TextEncoder().encode(`peer:${password}`).toBase64()}`;
  const statusOf = async (header: string) => (await home.raw(ask([HOST, header]))).status;
  assert.equal(await statusOf(basic("pass wörd")), 200);
  for (let tried = 0; tried < API.freeFailures; tried++) assert.equal(await statusOf(basic("wrong")), 401);
  assert.equal(await statusOf(basic("wrong")), 429);
  assert.equal(await statusOf(basic("pass wörd")), 429);
  const { text } = await home.raw(ask([HOST, basic("wrong")]));
  assert.match(text, /^Retry-After: 1\r$/m);
  assert.equal(await statusOf(`Authorization: Bearer ${home.token}`), 200);
});

Deno.test("FailedTries doubles the wait after each failure, for an IPv6 network as a whole", () => {
  const tries = new FailedTries();
  let now = 0;
  const waits: number[] = [];
  for (let tried = 0; tried < API.freeFailures + 4; tried++) {
    tries.note(`fd00::${tried}`, now);
    waits.push(tries.waitOf("fd00::ffff", now));
    now += waits[tried];
  }
  assert.deepEqual(waits.slice(API.freeFailures - 2), [0, 1_000, 2_000, 4_000, 8_000, 16_000]);
  assert.equal(tries.waitOf("fd00:0:0:1::1", now - 1), 0);
  for (let more = 0; more < 40; more++) tries.note("fd00::1", now);
  assert.equal(tries.waitOf("fd00::1", now), API.maxWaitMs);
  tries.forgive("fd00::2");
  assert.equal(tries.waitOf("fd00::1", now), 0);
  for (let address = 0; address < 3 * API.failuresRemembered; address++) {
    tries.note(`10.0.${address >> 8}.${address & 255}`, now);
  }
  assert.equal(tries.size, API.failuresRemembered);
});

Deno.test("an address that other machines reach needs a password: one is made, shown once and kept", async () => {
  const web = { host: "0.0.0.0", port: 0 };
  await using home = await ApiHome.start({ web });
  const { newPassword } = home.api;
  assert.match(newPassword!, /^[\w-]{16}$/);
  const credentials = new TextEncoder().encode(`:${newPassword}`).toBase64();
  assert.equal((await home.raw(ask([HOST, `Authorization: Basic ${credentials}`]))).status, 200);
  const { mode } = await Deno.stat(`${home.test.home}/state/web-password`);
  if (Deno.build.os !== "windows") assert.equal(mode! & 0o777, 0o600);
  await home.restart({ web });
  assert.equal(home.api.newPassword, undefined);
  assert.equal((await home.raw(ask([HOST, `Authorization: Basic ${credentials}`]))).status, 200);
});

Deno.test("without a page there is the control socket alone", async () => {
  await using home = await ApiHome.start({ web: undefined });
  assert.deepEqual([home.api.addresses, home.api.page], [[], undefined]);
  assert.deepEqual((await home.client.get("/state")).torrents, {});
});
