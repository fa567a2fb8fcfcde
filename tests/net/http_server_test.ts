import assert from "node:assert/strict";
import { silentLogger } from "../../lib/log.ts";
import { HttpServer, rawQueryOf } from "../../lib/net/http_server.ts";
import { TRACKER } from "../../lib/settings.ts";
import { httpServerWith } from "../helpers/tracker.ts";

/** Sends raw bytes and returns the first line of what comes back. */
async function statusLineOf(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(1024);
  const length = await connection.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length)).split("\r\n")[0];
}

Deno.test("HttpServer answers known paths and nothing else", async () => {
  const server = httpServerWith({ "/known": () => new Response("yes") });
  try {
    const known = await fetch(`http://127.0.0.1:${server.port}/known?x=1`);
    assert.deepEqual([known.status, await known.text()], [200, "yes"]);
    for (const path of ["", "unknown", "known/", "known/x", "../known2", "%6bnown", "constructor"]) {
      const response = await fetch(`http://127.0.0.1:${server.port}/${path}`);
      assert.deepEqual([response.status, await response.text()], [404, ""], path);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer does not take a path from the Host header", async () => {
  const server = httpServerWith({ "/known": () => new Response("yes") });
  try {
    const request = (host: string) => `GET /secret HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    for (const host of ["x/known?", "x/known#", "/known?"]) {
      assert.match(await statusLineOf(server.port, request(host)), /^HTTP\/1\.1 4/);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer tells handlers who asks, with one spelling of an address", async () => {
  const server = httpServerWith({ "/who": (_, { address }) => new Response(address) });
  try {
    for (const [host, address] of [["127.0.0.1", "127.0.0.1"], ["[::1]", "::1"]]) {
      assert.equal(await (await fetch(`http://${host}:${server.port}/who`)).text(), address);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer refuses long requests and survives malformed ones", async () => {
  const server = httpServerWith({ "/known": () => new Response("yes") });
  try {
    const path = `/known?${"x".repeat(TRACKER.maxRequestBytes)}`;
    assert.match(await statusLineOf(server.port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`), / 414 /);
    assert.match(await statusLineOf(server.port, "nonsense\r\n\r\n"), /^HTTP\/1\.1 400 |^$/);
    assert.match(await statusLineOf(server.port, "GET /known HTTP/1.1\r\nHost: x\r\n\r\n"), / 200 /);
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer says nothing about a handler that throws, but logs it", async () => {
  const logged: string[] = [];
  const log = { ...silentLogger, error: (text: string) => logged.push(text) };
  const server = new HttpServer({ host: "127.0.0.1", port: 0, ports: { first: 0, last: 0 }, log });
  server.addRoutes([["/", () => {
    throw new Error("secret");
  }]]);
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    assert.deepEqual([response.status, await response.text()], [500, ""]);
    assert.deepEqual(logged, ["HTTP request failed: secret"]);
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer refuses a named port that is busy and passes over one that was not named", async () => {
  const options = { host: "127.0.0.1", log: silentLogger };
  const first = new HttpServer({ ...options, port: 0, ports: { first: 0, last: 0 } });
  const { port } = first;
  const busy = { first: port, last: port };
  try {
    assert.throws(() => new HttpServer({ ...options, port, ports: busy }), {
      message: `port ${port} is in use`,
    });
    assert.throws(() => new HttpServer({ ...options, port: undefined, ports: busy }), /is in use$/);
    const second = new HttpServer({ ...options, port: undefined, ports: { first: port, last: port + 50 } });
    assert(second.port > port);
    await second.stop();
  } finally {
    await first.stop();
  }
});

Deno.test("HttpServer stops although clients hang", async () => {
  const server = httpServerWith({
    "/slow": (request) =>
      new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(new Response()))),
  });
  using idle = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  using half = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await half.write(new TextEncoder().encode("GET /slow HT"));
  using waiting = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await waiting.write(new TextEncoder().encode("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
  await server.stop();
  assert.equal(await idle.read(new Uint8Array(1)).catch(() => null), null);
});

Deno.test("rawQueryOf returns the query as it came", () => {
  assert.equal(rawQueryOf("http://x/a?b=%ff+%zz&c"), "b=%ff+%zz&c");
  assert.equal(rawQueryOf("http://x/a"), "");
  assert.equal(rawQueryOf("http://x/a?b?c#d?e"), "b?c");
});
