import assert from "node:assert/strict";
import { fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { encodeChunk, encodeReply, encodeReplyHead } from "../../lib/protocol/http_reply.ts";

Deno.test("encodeReply writes head and body, or the head alone", () => {
  const head = { status: 409, headers: [["X-Id", "a"]] } as const;
  const text = "HTTP/1.1 409 Conflict\r\nX-Id: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\n";
  assert.equal(fromUtf8(encodeReply(head, toUtf8("body"), false)), `${text}body`);
  assert.equal(fromUtf8(encodeReply(head, toUtf8("body"), false, false)), text);
});

Deno.test("encodeReplyHead announces chunks where the length is not known, and encodeChunk writes one", () => {
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n";
  assert.equal(fromUtf8(encodeReplyHead({ status: 200 }, undefined, true)), head);
  assert.equal(fromUtf8(encodeChunk(toUtf8("eighteen bytes 123"))), "12\r\neighteen bytes 123\r\n");
});
