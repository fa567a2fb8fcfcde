import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "../../../lib/log.ts";
import {
  type HttpLimits,
  type HttpServer,
  type HttpService,
  listenForHttp,
} from "../../../lib/net/http/http_server.ts";
import { fromUtf8, toUtf8 } from "../../../lib/protocol/bytes.ts";
import { TRACKER } from "../../../lib/settings.ts";
import { httpServerWith } from "../../harness/sessions/tracker.ts";
import { until } from "../../harness/sessions/loopback_node.ts";

const text = (body: string): HttpService => () => ({ status: 200, body: toUtf8(body) });

/** A connection that says what it likes. */
class RawClient implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect({ port }: HttpServer): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(text: string): Promise<void> {
    await this.#connection.write(toUtf8(text));
  }

  /** What comes next. */
  async read(): Promise<string> {
    const buffer = new Uint8Array(1024);
    return fromUtf8(buffer.subarray(0, (await this.#connection.read(buffer))!));
  }

  /** Everything until the other side closes. */
  async readAll(): Promise<string> {
    let read = "";
    const buffer = new Uint8Array(1024);
    // A connection that is closed before all was read from it may end by a reset.
    for (let count; (count = await this.#connection.read(buffer).catch(() => null)) !== null;) {
      read += fromUtf8(buffer.subarray(0, count));
    }
    return read;
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch (error) {
      // It may have been closed already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** The answer to one request, which ends the connection. */
async function answerTo(server: HttpServer, request: string): Promise<string> {
  using client = await RawClient.connect(server);
  await client.send(request);
  return await client.readAll();
}

Deno.test("HttpServer answers known paths and nothing else", async () => {
  const server = httpServerWith({ "/known": text("yes") });
  try {
    const known = await fetch(`http://127.0.0.1:${server.port}/known?x=1`);
    assert.deepEqual([known.status, await known.text()], [200, "yes"]);
    for (const path of ["", "unknown", "known/", "known/x", "../known2", "%6bnown", "constructor"]) {
      const response = await fetch(`http://127.0.0.1:${server.port}/${path}`);
      assert.deepEqual([response.status, await response.text()], [404, ""], path);
    }
    for (const method of ["POST", "HEAD", "DELETE"]) {
      const response = await fetch(`http://127.0.0.1:${server.port}/known`, { method });
      assert.deepEqual([response.status, await response.text()], [405, ""], method);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer takes no path from the Host header", async () => {
  const server = httpServerWith({ "/known": text("yes") });
  try {
    for (const host of ["x/known?", "x/known#", "/known?"]) {
      const request = `GET /secret HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.match(await answerTo(server, request), /^HTTP\/1\.1 404 /);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer tells handlers who asks, with one spelling of an address", async () => {
  const server = httpServerWith({
    "/who": (_, { address }) => ({ status: 200, body: toUtf8(address) }),
  });
  try {
    for (const [host, address] of [["127.0.0.1", "127.0.0.1"], ["[::1]", "::1"]]) {
      assert.equal(await (await fetch(`http://${host}:${server.port}/who`)).text(), address);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer answers requests that come in one piece, or byte by byte, and keeps the connection", async () => {
  const server = httpServerWith({ "/q": ({ query }) => ({ status: 200, body: toUtf8(`<${query}>`) }) });
  try {
    const last = "GET /q?c HTTP/1.1\r\nConnection: close\r\n\r\n";
    const answer = await answerTo(server, `GET /q?a HTTP/1.1\r\n\r\nGET /q?b HTTP/1.1\n\n${last}`);
    assert.deepEqual(answer.match(/<\w>/g), ["<a>", "<b>", "<c>"]);
    using client = await RawClient.connect(server);
    for (const byte of last) await client.send(byte);
    assert.match(await client.readAll(), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n<c>$/s);
    const old = await answerTo(server, "GET /q HTTP/1.0\r\n\r\n");
    assert.match(old, /Connection: close\r\n\r\n<>$/, "HTTP/1.0 closes unless asked to keep it");
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer refuses long, malformed and half requests, and goes on", async () => {
  const server = httpServerWith({ "/known": text("yes") });
  try {
    const path = `/known?${"x".repeat(TRACKER.maxRequestBytes)}`;
    assert.match(await answerTo(server, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 414 |^$/);
    const headers = "a: b\r\n".repeat(TRACKER.maxRequestBytes / 6);
    assert.match(await answerTo(server, `GET /known HTTP/1.1\r\n${headers}\r\n`), /^HTTP\/1\.1 414 |^$/);
    for (
      const request of [
        "nonsense\r\n\r\n",
        "\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\n\n",
        "GET /known HTTP/2.0\r\n\r\n",
        "GET  /known HTTP/1.1\r\n\r\n",
        "GET known HTTP/1.1\r\n\r\n",
        "GET /known HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /known HTTP/1.1\r\n: x\r\n\r\n",
        "GET /known HTTP/1.1\r\na: \0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      ]
    ) {
      assert.match(
        await answerTo(server, request),
        /^HTTP\/1\.1 400 [^\n]*\r\nContent-Length: 0\r\n/,
        request,
      );
    }
    // No body is read, so what stands there is no second request.
    const smuggled = "GET /known HTTP/1.1\r\n\r\n";
    for (const header of [`Content-Length: ${smuggled.length}`, "Transfer-Encoding: chunked"]) {
      const answer = await answerTo(server, `GET /known HTTP/1.1\r\n${header}\r\n\r\n${smuggled}`);
      assert.equal(answer.split("HTTP/1.1 200").length - 1, 1, header);
    }
    assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/known`)).text(), "yes");
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer says nothing about a handler that throws, but logs it", async () => {
  const logged: string[] = [];
  const log = { ...silentLogger, error: (text: string) => logged.push(text) };
  const server = httpServerWith({
    "/": () => {
      throw new Error("secret");
    },
  }, { log });
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    assert.deepEqual([response.status, await response.text()], [500, ""]);
    assert.deepEqual(logged, ["HTTP request failed: secret"]);
  } finally {
    await server.stop();
  }
});

Deno.test("listenForHttp refuses a named port that is busy and passes over one that was not named", () => {
  const host = "127.0.0.1";
  const [first] = listenForHttp({ host, port: 0, ports: { first: 0, last: 0 } });
  const { port } = first.addr;
  const busy = { first: port, last: port };
  try {
    assert.throws(() => listenForHttp({ host, port, ports: busy }), { message: `port ${port} is in use` });
    assert.throws(() => listenForHttp({ host, port: undefined, ports: busy }), /is in use$/);
    const [second] = listenForHttp({ host, port: undefined, ports: { first: port, last: port + 50 } });
    assert(second.addr.port > port);
    second.close();
  } finally {
    first.close();
  }
});

Deno.test("HttpServer ends connections that do not ask in time, and those that take no answer", async () => {
  const big: HttpService = () => ({ status: 200, body: new Uint8Array(32 * 1024 * 1024) });
  const server = httpServerWith({ "/big": big }, { limits: { ...TRACKER, requestTimeoutMs: 300 } });
  try {
    using silent = await RawClient.connect(server);
    using half = await RawClient.connect(server);
    using idle = await RawClient.connect(server);
    using deaf = await RawClient.connect(server);
    await half.send("GET /x HTTP/1.1\r\nx: ");
    await idle.send("GET /x HTTP/1.1\r\n\r\n");
    await deaf.send("GET /big HTTP/1.1\r\n\r\n");
    await until(() => server.connectionCount === 4, "all are there");
    // One byte now and then is no sign of life.
    const dripping = (async () => {
      for (let drops = 0; drops < 50; drops++) {
        await delay(50);
        await half.send("y");
      }
    })().catch(() => {});
    await until(() => server.connectionCount === 0, "all are gone");
    assert.deepEqual([await silent.readAll(), await half.readAll()], ["", ""]);
    assert.match(await idle.readAll(), /^HTTP\/1\.1 404 /);
    await dripping;
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer makes room for whoever asks by dropping who has kept it waiting for longest", async () => {
  const server = httpServerWith({ "/known": text("yes") });
  const slow: RawClient[] = [];
  try {
    for (let count = 0; count < TRACKER.maxConnections; count++) slow.push(await RawClient.connect(server));
    await until(() => server.connectionCount === TRACKER.maxConnections, "all are there");
    assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/known`)).text(), "yes");
    assert.ok(server.connectionCount <= TRACKER.maxConnections);
    assert.equal(await slow[0].readAll(), "", "the first one had to go");
  } finally {
    for (const client of slow) client[Symbol.dispose]();
    await server.stop();
  }
});

Deno.test("HttpServer stops although clients hang", async () => {
  const server = httpServerWith({});
  using idle = await RawClient.connect(server);
  using half = await RawClient.connect(server);
  await half.send("GET /slow HT");
  await server.stop();
  assert.equal(await idle.readAll(), "");
});

/** Answers with the body, which may have `maxBodyBytes`. */
const echo = (maxBodyBytes: number): HttpService => () => ({
  maxBodyBytes,
  answer: (body) => ({ status: 200, body }),
});

/** A server of one path for all methods, with room for bodies. */
const bodyServer = (service: HttpService, limits: Partial<HttpLimits> = {}) =>
  httpServerWith({}, { service, limits: { ...TRACKER, maxBodyBytes: 1024 * 1024, ...limits } });

Deno.test("HttpServer reads bodies as long as the service allows, and keeps the connection", async () => {
  const server = bodyServer(echo(10));
  try {
    const post = (body: string, ...headers: string[]) =>
      `POST / HTTP/1.1\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n${body}`;
    const three = post("one", "Content-Length: 3") + post("two!", "Content-Length: 4") +
      post("end", "Content-Length: 3", "Connection: close");
    assert.deepEqual((await answerTo(server, three)).match(/one|two!|end/g), ["one", "two!", "end"]);
    const refused = {
      "Content-Length: 11": 413,
      "Transfer-Encoding: chunked": 411,
      "Content-Length: x": 411,
    };
    for (const [header, status] of Object.entries(refused)) {
      const answer = await answerTo(server, post("GET / HTTP/1.1\r\n\r\n", header));
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} .*Connection: close\r\n\r\n$`, "s"), header);
    }
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer tells a client that waits for it to send the body", async () => {
  const server = bodyServer(echo(10));
  try {
    using client = await RawClient.connect(server);
    await client.send(
      "PUT / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
    );
    assert.equal(await client.read(), "HTTP/1.1 100 Continue\r\n\r\n");
    await client.send("body");
    assert.match(await client.readAll(), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nbody$/s);
    const refused = "PUT / HTTP/1.1\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n";
    assert.match(await answerTo(server, refused), /^HTTP\/1\.1 413 /);
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer holds only so much of bodies, and gives the room back", async () => {
  const server = bodyServer(echo(1000), { maxBodyBytes: 1000 });
  try {
    using half = await RawClient.connect(server);
    await half.send("POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\nx");
    const small = "POST / HTTP/1.1\r\nContent-Length: 101\r\nConnection: close\r\n\r\n" + "y".repeat(101);
    await until(async () => (await answerTo(server, small)).startsWith("HTTP/1.1 503 "), "there is no room");
    half[Symbol.dispose]();
    await until(
      async () => (await answerTo(server, small)).startsWith("HTTP/1.1 200 "),
      "there is room again",
    );
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer sends a stream as it comes, and cancels it when the client is gone", async () => {
  const cancelled = Promise.withResolvers<void>();
  let parts = 0;
  const service: HttpService = ({ path }) => ({
    status: 200,
    body: new ReadableStream({
      async pull(controller) {
        await delay(5);
        if (path === "/short" && parts === 3) return controller.close();
        controller.enqueue(toUtf8(`part ${++parts}\n`));
      },
      cancel: () => cancelled.resolve(),
    }),
  });
  const server = bodyServer(service);
  try {
    const short = await fetch(`http://127.0.0.1:${server.port}/short`);
    assert.equal(await short.text(), "part 1\npart 2\npart 3\n");
    using client = await RawClient.connect(server);
    await client.send("GET /endless HTTP/1.1\r\n\r\n");
    assert.match(await client.read(), /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\n/);
    client[Symbol.dispose]();
    await cancelled.promise;
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer tells the length of a stream where it is known, and breaks off one of another length", async () => {
  const service: HttpService = ({ path }) => ({
    status: 200,
    length: 10,
    body: ReadableStream.from([toUtf8("12345"), toUtf8(path.slice(1))]),
  });
  const server = bodyServer(service);
  const read = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/${path}`);
    assert.equal(answer.headers.get("content-length"), "10");
    return await answer.text();
  };
  try {
    assert.equal(await read("67890"), "1234567890");
    await assert.rejects(read("6789"));
    await assert.rejects(read("678901"));
  } finally {
    await server.stop();
  }
});

Deno.test("HttpServer lets a quiet stream stay, and drops a client that does not read it", async () => {
  const stopped = Promise.withResolvers<void>();
  const big = new Uint8Array(1024 * 1024);
  const service: HttpService = ({ path }) => ({
    status: 200,
    body: new ReadableStream({
      pull: (controller) => path === "/quiet" ? stopped.promise : controller.enqueue(big),
    }, { highWaterMark: 0 }),
  });
  const server = bodyServer(service, { requestTimeoutMs: 300 });
  try {
    using quiet = await RawClient.connect(server);
    using deaf = await RawClient.connect(server);
    await quiet.send("GET /quiet HTTP/1.1\r\n\r\n");
    await deaf.send("GET /flood HTTP/1.1\r\n\r\n");
    await until(() => server.connectionCount === 2, "both are there");
    await until(() => server.connectionCount === 1, "the deaf one is gone");
    await delay(1_500);
    assert.equal(server.connectionCount, 1, "the quiet one may stay");
  } finally {
    stopped.resolve();
    await server.stop();
  }
});

Deno.test("HttpServer turns newcomers away where every connection is in use", async () => {
  const stopped = Promise.withResolvers<void>();
  const service: HttpService = () => ({
    status: 200,
    body: new ReadableStream({ pull: () => stopped.promise }, { highWaterMark: 0 }),
  });
  const server = bodyServer(service, { maxConnections: 2 });
  const clients = [await RawClient.connect(server), await RawClient.connect(server)];
  try {
    for (const client of clients) {
      await client.send("GET / HTTP/1.1\r\n\r\n");
      assert.match(await client.read(), /^HTTP\/1\.1 200 /);
    }
    using third = await RawClient.connect(server);
    assert.equal(await third.readAll(), "");
    assert.equal(server.connectionCount, 2);
  } finally {
    stopped.resolve();
    for (const client of clients) client[Symbol.dispose]();
    await server.stop();
  }
});

Deno.test("HttpServer answers HEAD with the length of the body alone, and a failing answer with 500", async () => {
  const service: HttpService = ({ path }) =>
    path === "/" ? { status: 200, body: toUtf8("four") } : {
      maxBodyBytes: 0,
      answer: () => Promise.reject(new Error("secret")),
    };
  const server = bodyServer(service);
  try {
    const head = await answerTo(server, "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert.match(head, /\r\nContent-Length: 4\r\n.*\r\n\r\n$/s);
    const failed = await answerTo(server, "POST /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert.match(failed, /^HTTP\/1\.1 500 Internal Server Error\r\nContent-Length: 0\r\n/);
  } finally {
    await server.stop();
  }
});
