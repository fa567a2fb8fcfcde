/** HTTP both ways: requests to the embedded tracker, replies of web seeds, and where redirects lead. */
import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import {
  distanceOf,
  redirectRefusal,
  trackerRefusal,
  webSeedRefusal,
} from "../../lib/net/http/request_rules.ts";
import { fromUtf8, toByteString, toUtf8 } from "../../lib/protocol/bytes.ts";
import { canonicalAddress } from "../../lib/protocol/endpoint.ts";
import { headLength, parseHttpRequest } from "../../lib/protocol/http_request.ts";
import { readPieceReply, readRangeReply } from "../../lib/protocol/range_reply.ts";
import { publicUrl, withoutSecrets } from "../../lib/protocol/secrets.ts";
import { mutateBytes } from "./mutators.ts";
import type { Target } from "./target.ts";

const ASKED = { position: 16_384, length: 1_000, fileLength: 100_000 };

export const HTTP_TARGETS: readonly Target[] = [
  {
    name: "HTTP request",
    seeds: [
      "GET /announce?info_hash=%ff&port=1 HTTP/1.1\r\nHost: 10.0.0.5:6969\r\nConnection: close\r\n\r\n",
      "GET http://h/scrape HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello",
      "POST /announce HTTP/1.1\nTransfer-Encoding: chunked\n\n",
      "HEAD /..%2f?a#b HTTP/1.1\r\nAccept: */*\r\n\r\n",
    ].map(toUtf8),
    mutate: mutateBytes,
    error: ProtocolError,
    run(input, random) {
      // However it was cut, the end is found in the same place.
      const seen = Math.floor(random() * input.length);
      const length = headLength(input.subarray(0, seen), 0) ?? headLength(input, seen);
      assert.equal(length, headLength(input, 0));
      if (length === undefined) throw new ProtocolError("Expected all of a head");
      const { method, path, query } = parseHttpRequest(input.subarray(0, length));
      assert.match(method, /^[A-Z]+$/);
      assert.match(path, /^\/[^?#\s]*$/);
      assert.match(query, /^[!-~]*$/);
    },
  },
  {
    name: "web seed reply",
    seeds: [
      "206\nbytes 16384-17383/100000\nidentity\n",
      "206\nbytes 16384-17383/*\n\n",
      "200\n\n\n",
      "503\n\n\n120",
      "503\n30\n\n",
      "206\nbytes 0-1/2\ngzip\n",
    ].map(toUtf8),
    mutate: mutateBytes,
    run(input) {
      const [status, range, encoding, retryAfter] = toByteString(input).split("\n");
      const headers: Record<string, string | undefined> = {
        "content-range": range || undefined,
        "content-encoding": encoding || undefined,
        "retry-after": retryAfter || undefined,
      };
      const reply = readRangeReply(Number(status), (name) => headers[name] ?? null, ASKED);
      if ("isFinal" in reply) assert.ok(reply.retryAfterMs >= 0 && reply.retryAfterMs < 1_000_000_000);
      else if (Number(status) === 200) assert.deepEqual(reply, { start: 0, end: 100_000 });
      else assert.ok(reply.start === 16_384 && reply.end > 16_384 && reply.end <= 17_384);
      const piece = readPieceReply(Number(status), (name) => headers[name] ?? null, ASKED, range ?? "");
      if ("isFinal" in piece) assert.ok(piece.retryAfterMs >= 0 && piece.retryAfterMs < 1_000_000_000);
      else assert.deepEqual(piece, { start: 16_384, end: 17_384 });
    },
  },
  {
    name: "redirect",
    seeds: [
      "http://127.0.0.1:6969/announce?x=1",
      "https://[::ffff:127.0.0.1]/a",
      "//169.254.169.254/latest/meta-data",
      "/announce",
      "http://2130706433/",
      "http://user:pass@10.0.0.5:1/x#y",
      "http://[fe80::1]/",
      "https://203.0.113.5/announce",
    ].map(toUtf8),
    mutate: mutateBytes,
    run(input) {
      const text = fromUtf8(input);
      assert.equal(withoutSecrets(withoutSecrets(text)), withoutSecrets(text));
      const from = { url: new URL("http://10.0.0.9/announce"), address: "10.0.0.9" };
      const url = URL.parse(text, from.url);
      const address = url === null ? undefined : canonicalAddress(url.hostname);
      if (url === null || address === undefined) return;
      assert.equal(new URL(publicUrl(url.href)).username, "");
      const distance = distanceOf(address);
      const isClose = distance === undefined || distance === "machine" || distance === "link";
      if (isClose) assert.ok(redirectRefusal(from, { url, address }) !== undefined, url.href);
      if (isClose && webSeedRefusal({ url, address }) === undefined) {
        assert.deepEqual([distance, url.search], ["machine", ""]);
      }
      if (isClose && url.protocol !== "udp:" && trackerRefusal({ url, address }) === undefined) {
        assert.match(url.pathname, /^\/announce/);
      }
    },
  },
];
