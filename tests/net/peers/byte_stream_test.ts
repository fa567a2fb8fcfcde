import assert from "node:assert/strict";
import { readFully, TcpStream } from "../../../lib/net/peers/byte_stream.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { needs } from "../../harness/processes/require_tool.ts";

/** Both ends of a TCP connection on loopback; `hostname` is where it listens. */
async function connect(hostname = "127.0.0.1"): Promise<[TcpStream, TcpStream]> {
  using listener = Deno.listen({ hostname, port: 0 });
  const [connected, accepted] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port }),
    listener.accept(),
  ]);
  return [new TcpStream(connected), new TcpStream(accepted as Deno.TcpConn)];
}

Deno.test("TcpStream knows both of its ends", async () => {
  const [a, b] = await connect();
  assert.deepEqual(a.remote, b.local);
  assert.deepEqual(b.remote, a.local);
  assert.equal(a.remote.address, "127.0.0.1");
  for (const stream of [a, b]) stream.close();
});

needs("sockets of both families")("TcpStream spells an IPv4 peer of an IPv6 socket as IPv4", async () => {
  const [a, b] = await connect("::");
  assert.equal(b.remote.address, "127.0.0.1");
  for (const stream of [a, b]) stream.close();
});

Deno.test("TcpStream writes all of it, however much the system takes at once", async () => {
  const [a, b] = await connect();
  const sent = randomBytes(20_000_000, 1);
  const received = new Uint8Array(sent.length);
  const [isWhole] = await Promise.all([readFully(b, received), a.write(sent)]);
  assert.equal(isWhole, true);
  assert(received.every((byte, at) => byte === sent[at]));
  for (const stream of [a, b]) stream.close();
});

Deno.test("readFully tells when the stream ended before", async () => {
  const [a, b] = await connect();
  await a.write(Uint8Array.of(1, 2, 3));
  a.close();
  assert.equal(await readFully(b, new Uint8Array(4)), false);
  assert.equal(await readFully(b, new Uint8Array(0)), true);
  b.close();
});

Deno.test("TcpStream closes once, and what was pending on it fails", async () => {
  const [a, b] = await connect();
  const reading = a.read(new Uint8Array(1));
  a.close();
  a.close();
  await assert.rejects(reading);
  await assert.rejects(a.write(Uint8Array.of(1)));
  b.close();
});

needs("sockets that fill up")(
  "TcpStream fails a write that waits for a remote which reads nothing, when it is closed",
  async () => {
    const [a, b] = await connect();
    const writing = a.write(new Uint8Array(50_000_000));
    writing.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    a.close();
    await assert.rejects(writing);
    // Whatever the system has taken still arrives.
    const buffer = new Uint8Array(1_000_000);
    while (await b.read(buffer) !== null);
    b.close();
  },
);
