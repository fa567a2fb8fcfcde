import assert from "node:assert/strict";
import { type ByteStream, readFully, TcpStream } from "../../lib/net/peers/byte_stream.ts";
import { acceptEncrypted, encryptOutgoing } from "../../lib/net/peers/encrypted_stream.ts";
import { equalBytes } from "../../lib/protocol/bytes.ts";
import {
  encodeHandshake,
  HANDSHAKE_LENGTH,
  parseHandshake,
  PROTOCOL_HEADER,
} from "../../lib/protocol/handshake.ts";
import { type InfoHash, infoHashFromBytes } from "../../lib/protocol/info_hash.ts";
import type { CryptoMethod } from "../../lib/protocol/mse.ts";
import type { EncryptionPolicy } from "../../lib/settings.ts";
import { peerIdOf } from "../harness/sessions/remote_peers.ts";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";

const SHARED = sharedData(200_000);
const { infoHash } = SHARED.metainfo;
const OTHER_TORRENT = infoHashFromBytes(new Uint8Array(20).fill(9));

const MEETINGS: [leecher: EncryptionPolicy, seeder: EncryptionPolicy, dials: number][] = [
  ["prefer", "prefer", 1],
  ["prefer", "require", 2],
  ["prefer", "off", 1],
  ["require", "prefer", 1],
  ["require", "require", 1],
  ["off", "prefer", 1],
  ["off", "off", 1],
];

for (const [leecherPolicy, seederPolicy, dials] of MEETINGS) {
  Deno.test(`Session with encryption "${leecherPolicy}" downloads from one with "${seederPolicy}"`, async () => {
    await using seeder = await TestSession.start({ encryption: seederPolicy });
    await using leecher = await TestSession.start({ encryption: leecherPolicy });
    await seeder.seed(SHARED);
    await leecher.leech(SHARED, [`127.0.0.1:${seeder.session.port}`]);
    await leecher.completes(SHARED);
    const refused = seeder.log.filter((line) => /no connection with/.test(line));
    assert.equal(1 + refused.length, dials);
  });
}

for (const [leecherPolicy, seederPolicy] of [["require", "off"], ["off", "require"]] as const) {
  Deno.test(`Session with encryption "${leecherPolicy}" gets nothing from one with "${seederPolicy}"`, async () => {
    await using seeder = await TestSession.start({ encryption: seederPolicy });
    await using leecher = await TestSession.start({ encryption: leecherPolicy });
    await seeder.seed(SHARED);
    await leecher.leech(SHARED, [`127.0.0.1:${seeder.session.port}`]);
    await seeder.whenLogged(/Expected no (plain|encrypted) handshake/);
    await leecher.whenLogged(/no connection with/);
    assert.ok(!leecher.events.some(({ event }) => event === "connected"));
  });
}

async function connectTo(session: TestSession): Promise<ByteStream> {
  return new TcpStream(await Deno.connect({ hostname: "127.0.0.1", port: session.session.port }));
}

async function handshakeOf(stream: ByteStream) {
  const bytes = new Uint8Array(HANDSHAKE_LENGTH);
  assert.ok(await readFully(stream, bytes));
  return parseHandshake(bytes);
}

for (const methods of [["rc4"], ["plaintext"], ["rc4", "plaintext"]] as CryptoMethod[][]) {
  Deno.test(`Session accepts peers that offer ${methods.join(" and ")} payload`, async () => {
    await using session = await TestSession.start();
    await session.seed(SHARED);
    const raw = await connectTo(session);
    const handshake = encodeHandshake(infoHash, peerIdOf(7));
    const stream = await encryptOutgoing(raw, infoHash, methods, handshake);
    assert.equal((await handshakeOf(stream))?.infoHash, infoHash);
    await session.whenEvent("connected");
    stream.close();
  });
}

Deno.test('Session with encryption "require" takes no plaintext payload', async () => {
  await using session = await TestSession.start({ encryption: "require" });
  await session.seed(SHARED);
  const raw = await connectTo(session);
  const handshake = encodeHandshake(infoHash, peerIdOf(7));
  await assert.rejects(encryptOutgoing(raw, infoHash, ["plaintext"], handshake));
  raw.close();
});

Deno.test("Session finds the torrent of an encrypted connection among many", async () => {
  await using session = await TestSession.start();
  const torrents = [SHARED, sharedData(100), sharedData(50_000)];
  for (const shared of torrents) {
    await session.leech(shared, []);
  }
  for (const { metainfo } of torrents) {
    const raw = await connectTo(session);
    const handshake = encodeHandshake(metainfo.infoHash, peerIdOf(7));
    const stream = await encryptOutgoing(raw, metainfo.infoHash, ["rc4"], handshake);
    assert.equal((await handshakeOf(stream))?.infoHash, metainfo.infoHash);
    stream.close();
  }
});

/** Accepts one connection after another and records how each began, until the listener is closed. */
async function recordOpenings(
  listener: Deno.TcpListener,
  openings: string[],
  answer: (stream: ByteStream, first: Uint8Array) => Promise<void>,
): Promise<void> {
  for await (const connection of listener) {
    const stream = new TcpStream(connection);
    const first = new Uint8Array(PROTOCOL_HEADER.length);
    try {
      await readFully(stream, first);
      openings.push(equalBytes(first, PROTOCOL_HEADER) ? "plain" : "encrypted");
      await answer(stream, first);
    } catch {
      // The session may leave at any moment.
    } finally {
      stream.close();
    }
  }
}

Deno.test("Session falls back to an encrypted connection exactly once, on a connection of its own", async () => {
  await using session = await TestSession.start();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const openings: string[] = [];
  const recording = recordOpenings(listener, openings, () => Promise.resolve());
  await session.leech(SHARED, [`127.0.0.1:${listener.addr.port}`]);
  await session.whenLogged(/no connection with/, 2);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(openings, ["plain", "encrypted"]);
  listener.close();
  await recording;
});

Deno.test("Session connects to a peer that takes encrypted connections only", async () => {
  await using session = await TestSession.start();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const openings: string[] = [];
  const lookup = () => infoHash;
  const recording = recordOpenings(listener, openings, async (stream, first) => {
    if (openings.length === 1) return;
    const { stream: encrypted } = await acceptEncrypted(stream, first, lookup, ["rc4"]);
    assert.equal((await handshakeOf(encrypted))?.infoHash, infoHash);
    await encrypted.write(encodeHandshake(infoHash, peerIdOf(7)));
    await session.whenEvent("connected");
  });
  await session.leech(SHARED, [`127.0.0.1:${listener.addr.port}`]);
  await session.whenEvent("connected");
  listener.close();
  await recording;
  assert.deepEqual(openings, ["plain", "encrypted"]);
});

/** A handshake for one torrent inside an encryption that names another one. */
async function mismatched(stream: ByteStream, named: InfoHash, meant: InfoHash): Promise<void> {
  await encryptOutgoing(stream, named, ["rc4"], encodeHandshake(meant, peerIdOf(7)));
}

const KEY_LENGTH = 96;
const lastByte = (length: number, value: number) =>
  new Uint8Array(length).map((_, i) => i < length - 1 ? 0 : value);
const noise = (length: number) => crypto.getRandomValues(new Uint8Array(length));

const HOSTILE: [what: string, send: (stream: ByteStream) => Promise<void>][] = [
  ["nothing", () => Promise.resolve()],
  ["half a header", (stream) => stream.write(PROTOCOL_HEADER.slice(0, 11))],
  ["a header and no more", (stream) => stream.write(PROTOCOL_HEADER.slice())],
  [
    "an HTTP request",
    (stream) => stream.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
  ],
  ["a public key of 0", (stream) => stream.write(lastByte(KEY_LENGTH, 0))],
  ["a public key of 1", (stream) => stream.write(lastByte(KEY_LENGTH, 1))],
  ["a public key above the prime", (stream) => stream.write(new Uint8Array(KEY_LENGTH).fill(0xff))],
  ["a public key and no more", (stream) => stream.write(noise(KEY_LENGTH))],
  ["a pad that does not end", (stream) => stream.write(noise(KEY_LENGTH + 2_000))],
  ["a torrent that is not ours", (stream) => mismatched(stream, OTHER_TORRENT, OTHER_TORRENT)],
  ["another torrent inside", (stream) => mismatched(stream, infoHash, OTHER_TORRENT)],
  [
    "noise inside",
    async (stream) => {
      const encrypted = await encryptOutgoing(stream, infoHash, ["rc4"], noise(500));
      await readFully(encrypted, new Uint8Array(HANDSHAKE_LENGTH));
    },
  ],
  [
    "a handshake cut short inside",
    async (stream) => {
      await encryptOutgoing(stream, infoHash, ["rc4"], encodeHandshake(infoHash, peerIdOf(7)).slice(0, 40));
    },
  ],
];

Deno.test("Session loses one connection, and nothing else, to each hostile opening", async () => {
  await using session = await TestSession.start();
  await session.seed(SHARED);
  for (const [ordinal, [what, send]] of HOSTILE.entries()) {
    const stream = await connectTo(session);
    await send(stream).catch(() => {});
    stream.close();
    await session.whenLogged(/no connection with/, ordinal + 1);
    assert.ok(!session.events.some(({ event }) => event === "connected"), what);
  }
  await using leecher = await TestSession.start({ encryption: "require" });
  await leecher.leech(SHARED, [`127.0.0.1:${session.session.port}`]);
  await leecher.completes(SHARED);
});

Deno.test("Session takes an encrypted opening that comes byte by byte", async () => {
  await using session = await TestSession.start();
  await session.seed(SHARED);
  const raw = await connectTo(session);
  const slow: ByteStream = {
    remote: raw.remote,
    local: raw.local,
    isEncrypted: false,
    read: (into) => raw.read(into),
    close: () => raw.close(),
    async write(from) {
      for (let at = 0; at < from.length; at++) await raw.write(from.slice(at, at + 1));
    },
  };
  const handshake = encodeHandshake(infoHash, peerIdOf(7));
  const stream = await encryptOutgoing(slow, infoHash, ["rc4"], handshake);
  assert.equal((await handshakeOf(stream))?.infoHash, infoHash);
  stream.close();
});
