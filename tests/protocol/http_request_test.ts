import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { headerLines, headLength, parseHttpRequest } from "../../lib/protocol/http_request.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const parse = (head: string) => parseHttpRequest(bytes(head));

Deno.test("headLength finds the empty line, wherever reads were cut", () => {
  for (const head of ["GET / HTTP/1.1\r\na: b\r\n\r\n", "GET / HTTP/1.1\na: b\n\n", "GET / HTTP/1.1\r\n\n"]) {
    const whole = bytes(`${head}rest`);
    for (let seen = 0; seen < head.length; seen++) {
      if (headLength(whole.subarray(0, seen), 0) === undefined) {
        assert.equal(headLength(whole, seen), head.length, `${seen} of ${JSON.stringify(head)}`);
      } else assert.fail(`an end within ${seen} bytes`);
    }
  }
  assert.equal(headLength(bytes("GET / HTTP/1.1\r\na: b\r\n"), 0), undefined);
});

Deno.test("parseHttpRequest reads method, path and query as they came", () => {
  const request = {
    method: "GET",
    path: "/announce",
    query: "a=%ff&b=+",
    headers: "",
    bodyLength: 0,
    expectsContinue: false,
    keepsAlive: true,
  };
  const withHost = { ...request, headers: "Host: x\r\n" };
  assert.deepEqual(parse("GET /announce?a=%ff&b=+ HTTP/1.1\r\nHost: x\r\n\r\n"), withHost);
  assert.deepEqual(parse("GET http://h:1/announce?a=%ff&b=+#x HTTP/1.1\r\n\r\n"), request);
  assert.deepEqual(parse("HEAD /%2e%2e/x HTTP/1.1\n\n"), {
    ...request,
    method: "HEAD",
    path: "/%2e%2e/x",
    query: "",
  });
  const { path, query } = parse("GET /\xa0?a\xff\x80 HTTP/1.1\r\n\r\n");
  assert.deepEqual([path, query], ["/%a0", "a%ff%80"]);
});

Deno.test("parseHttpRequest tells whether the connection goes on", () => {
  const keepsAlive = (version: string, header: string) =>
    parse(`GET / HTTP/${version}\r\n${header}\r\n\r\n`).keepsAlive;
  assert.deepEqual([keepsAlive("1.1", "a: b"), keepsAlive("1.0", "a: b")], [true, false]);
  assert.deepEqual([keepsAlive("1.1", "Connection: close"), keepsAlive("1.1", "connection: x, Close")], [
    false,
    false,
  ]);
  assert.equal(keepsAlive("1.0", "Connection: Keep-Alive"), true);
});

Deno.test("parseHttpRequest tells how long the body is, where the request says it in one way", () => {
  const bodyLength = (...headers: string[]) => {
    const { bodyLength, expectsContinue } = parse(`POST / HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
    return expectsContinue ? `${bodyLength}, waits` : bodyLength;
  };
  assert.equal(bodyLength("a: b"), 0);
  assert.equal(bodyLength("Content-Length: 0"), 0);
  assert.equal(bodyLength("content-length:5"), 5);
  assert.equal(bodyLength("Content-Length: 5", "Content-Length: 5"), 5);
  assert.equal(bodyLength("Content-Length: 5", "Expect: 100-continue"), "5, waits");
  for (
    const unclear of [
      "Content-Length: x",
      "Content-Length: -1",
      "Content-Length: 1e3",
      "Transfer-Encoding: chunked",
    ]
  ) {
    assert.equal(bodyLength(unclear), undefined, unclear);
  }
  assert.equal(bodyLength("Content-Length: 5", "Content-Length: 6"), undefined);
  assert.equal(bodyLength("Content-Length: 5", "Transfer-Encoding: chunked"), undefined);
});

Deno.test("headerLines takes headers apart, with names in lower case", () => {
  const request = parse("GET / HTTP/1.1\r\nHost: x:1 \r\nX-Y:\t z: w\r\nempty:\r\n\r\n");
  assert.deepEqual(headerLines(request), [["host", "x:1"], ["x-y", "z: w"], ["empty", ""]]);
});

Deno.test("parseHttpRequest refuses what is malformed", () => {
  for (
    const head of [
      "\r\n\r\n",
      "GET /\r\n\r\n",
      "get / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.2\r\n\r\n",
      "GET x HTTP/1.1\r\n\r\n",
      "GET * HTTP/1.1\r\n\r\n",
      "GET ftp://h/ HTTP/1.1\r\n\r\n",
      "GET /a b HTTP/1.1\r\n\r\n",
      "GET /\x01 HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nx\r\n\r\n",
      "GET / HTTP/1.1\r\nx y: z\r\n\r\n",
      "GET / HTTP/1.1\r\nx: a\rb\r\n\r\n",
      "GET / HTTP/1.1\r\n folded: x\r\n\r\n",
    ]
  ) {
    assert.throws(() => parse(head), ProtocolError, JSON.stringify(head));
  }
});
