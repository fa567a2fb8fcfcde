/** A remote peer that does harm: a connection, plain or encrypted, that sends whatever an attack wants it to. */
import net from "node:net";
import { once } from "node:events";
import { type ByteStream, readFully } from "../../lib/net/peers/byte_stream.ts";
import { encryptOutgoing } from "../../lib/net/peers/encrypted_stream.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { encodeHandshake, HANDSHAKE_LENGTH, PROTOCOL_HEADER } from "../../lib/protocol/handshake.ts";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { MessageReader } from "../../lib/protocol/peer_messages.ts";
import { peerIdOf } from "../harness/sessions/remote_peers.ts";

/** Where attacks come from where the system allows it, so that what is counted by address hits nobody else. */
export const ATTACKER_ADDRESS = "127.0.0.66";

/** Bytes written at once by a flood. */
const FLOOD_CHUNK = 64 * 1_024;

/** A TCP connection from an address of our choice. What is not read stays with the system. */
export class BoundStream implements ByteStream {
  readonly local: { address: string; port: number };
  readonly remote: { address: string; port: number };
  readonly isEncrypted = false;
  readonly #socket: net.Socket;
  #rest = new Uint8Array(0);
  isClosed = false;

  private constructor(socket: net.Socket, remote: { address: string; port: number }) {
    this.#socket = socket;
    this.remote = remote;
    this.local = { address: socket.localAddress!, port: socket.localPort! };
    socket.on("error", () => {});
    socket.once("close", () => this.isClosed = true);
    socket.once("end", () => this.isClosed = true);
    // The end of a paused stream is noticed only by who tries to read; this reads nothing.
    socket.on("readable", () => {});
  }

  /** Connects to a port of 127.0.0.1. Rejects when that is refused. */
  static async connect(port: number, from = ATTACKER_ADDRESS): Promise<BoundStream> {
    const localAddress = Deno.build.os === "linux" ? from : undefined;
    const socket = net.connect({ host: "127.0.0.1", port, localAddress });
    socket.setNoDelay(true);
    await once(socket, "connect");
    return new BoundStream(socket, { address: "127.0.0.1", port });
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const chunk = this.#socket.read() as Uint8Array | null;
      if (chunk !== null) this.#rest = new Uint8Array(chunk);
      else if (this.isClosed) return null;
      else await this.#changed();
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Resolves when there may be something to read, or the end. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const events = ["readable", "end", "close"];
      const done = () => {
        for (const event of events) this.#socket.off(event, done);
        resolve();
      };
      for (const event of events) this.#socket.on(event, done);
    });
  }

  write(from: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) return reject(new Error("The stream was closed"));
      const fail = () => reject(new Error("The stream was closed"));
      this.#socket.once("close", fail);
      this.#socket.write(from.slice(), (error) => {
        this.#socket.off("close", fail);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  close(): void {
    this.isClosed = true;
    this.#socket.destroy();
  }
}

/** How an attacker shakes hands; an honest one with an id of its own where nothing is said. */
export interface Handshaking {
  readonly isEncrypted?: boolean;
  readonly from?: string;
  /** 20 bytes. */
  readonly peerId?: Uint8Array;
  /** Every one of the eight reserved bytes. */
  readonly reserved?: number;
  /** The torrent it asks for inside the encryption, or in the clear. */
  readonly asksFor?: InfoHash;
  /** The torrent the encryption is for. */
  readonly encryptsFor?: InfoHash;
}

/** A hostile remote peer. */
export class Attacker {
  readonly #raw: BoundStream;
  readonly #stream: ByteStream;
  readonly #shaken: boolean;

  private constructor(raw: BoundStream, stream: ByteStream, shaken: boolean) {
    this.#raw = raw;
    this.#stream = stream;
    this.#shaken = shaken;
  }

  /** Connects and shakes hands; `wasAnswered` tells whether the other side did too. */
  static async connect(port: number, infoHash: InfoHash, how: Handshaking = {}): Promise<Attacker> {
    const raw = await BoundStream.connect(port, how.from);
    const handshake = encodeHandshake(how.asksFor ?? infoHash, how.peerId ?? peerIdOf(66));
    const { reserved } = how;
    if (reserved !== undefined) handshake.fill(reserved, PROTOCOL_HEADER.length, PROTOCOL_HEADER.length + 8);
    try {
      if (how.isEncrypted !== true) {
        await raw.write(handshake);
        return new Attacker(raw, raw, await readFully(raw, new Uint8Array(HANDSHAKE_LENGTH)));
      }
      const stream = await encryptOutgoing(raw, how.encryptsFor ?? infoHash, ["rc4"], handshake);
      return new Attacker(raw, stream, await readFully(stream, new Uint8Array(HANDSHAKE_LENGTH)));
    } catch {
      // It was sent away before it was done.
      return new Attacker(raw, raw, false);
    }
  }

  get wasAnswered(): boolean {
    return this.#shaken;
  }

  get isDropped(): boolean {
    return this.#raw.isClosed;
  }

  /** Sends messages; whether they arrive is not its business. */
  async send(...messages: Uint8Array[]): Promise<void> {
    await this.#stream.write(concatBytes(...messages)).catch(() => {});
  }

  /** Sends messages over and over until so many were sent or the other side has had enough. */
  async flood(count: number, ...messages: Uint8Array[]): Promise<void> {
    const once = concatBytes(...messages);
    const atOnce = Math.max(Math.floor(FLOOD_CHUNK / once.length), 1);
    const chunk = concatBytes(...new Array<Uint8Array>(atOnce).fill(once));
    for (let sent = 0; sent < count && !this.isDropped; sent += atOnce) await this.send(chunk);
  }

  /** Reads all that comes and hands each message to `see`, until the connection ends. */
  async listen(see: (message: MessageReader) => void | Promise<void> = () => {}): Promise<void> {
    const reader = new MessageReader(2 ** 20);
    const buffer = new Uint8Array(2 ** 21);
    for (let filled = 0;;) {
      const count = await this.#stream.read(buffer.subarray(filled)).catch(() => null);
      if (count === null) return;
      filled += count;
      reader.begins(buffer, filled);
      while (reader.next()) await see(reader);
      buffer.copyWithin(0, reader.consumed, filled);
      filled -= reader.consumed;
    }
  }

  [Symbol.dispose](): void {
    this.#raw.close();
  }
}
