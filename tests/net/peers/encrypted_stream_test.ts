import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { type ByteStream, readFully, TcpStream } from "../../../lib/net/peers/byte_stream.ts";
import { acceptEncrypted, encryptOutgoing } from "../../../lib/net/peers/encrypted_stream.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { type CryptoMethod, skeyHash, type SkeyLookup } from "../../../lib/protocol/mse.ts";

const infoHash = parseInfoHash("0123456789abcdef0123456789abcdef01234567")!;
const ours: SkeyLookup = (hash) => hash === skeyHash(infoHash) ? infoHash : undefined;
const BOTH: CryptoMethod[] = ["rc4", "plaintext"];

/** Both ends of a TCP connection on loopback. */
async function connect(): Promise<[ByteStream, ByteStream]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [ours, theirs] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port }),
    listener.accept(),
  ]);
  return [new TcpStream(ours), new TcpStream(theirs as Deno.TcpConn)];
}

async function readText(stream: ByteStream, length: number): Promise<string> {
  const bytes = new Uint8Array(length);
  assert.ok(await readFully(stream, bytes));
  return new TextDecoder().decode(bytes);
}

for (const method of BOTH) {
  Deno.test(`encryptOutgoing and acceptEncrypted carry payload both ways with ${method}`, async () => {
    const [a, b] = await connect();
    const first = new Uint8Array(7);
    const [outgoing, { stream: incoming, infoHash: wanted }] = await Promise.all([
      encryptOutgoing(a, infoHash, BOTH, toUtf8("hello")),
      b.read(first).then((count) => acceptEncrypted(b, first.subarray(0, count!), ours, [method])),
    ]);
    assert.equal(wanted, infoHash);
    assert.deepEqual(incoming.remote, a.local);
    assert.equal(await readText(incoming, 2), "he");
    assert.equal(await readText(incoming, 3), "llo");
    await incoming.write(toUtf8("welcome"));
    assert.equal(await readText(outgoing, 7), "welcome");
    const large = new Uint8Array(1_000_000).map((_, i) => i >> 3);
    const received = new Uint8Array(large.length);
    await Promise.all([outgoing.write(large.slice()), readFully(incoming, received)]);
    assert.deepEqual(received, large);
    outgoing.close();
    assert.equal(await incoming.read(first), null);
    incoming.close();
  });
}

Deno.test("acceptEncrypted refuses a torrent it does not know", async () => {
  const [a, b] = await connect();
  const outgoing = encryptOutgoing(a, infoHash, BOTH);
  await assert.rejects(acceptEncrypted(b, new Uint8Array(), () => undefined, BOTH), ProtocolError);
  b.close();
  await assert.rejects(outgoing);
  a.close();
});

Deno.test("encryptOutgoing fails when the remote closes, as a plain client does", async () => {
  const [a, b] = await connect();
  const outgoing = encryptOutgoing(a, infoHash, BOTH);
  await readFully(b, new Uint8Array(96));
  b.close();
  await assert.rejects(outgoing);
  a.close();
});

Deno.test("encryptOutgoing ends when the caller closes the stream", async () => {
  const [a, b] = await connect();
  const outgoing = encryptOutgoing(a, infoHash, BOTH);
  await readFully(b, new Uint8Array(96));
  a.close();
  await assert.rejects(outgoing);
  b.close();
});
