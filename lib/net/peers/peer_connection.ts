/**
 * One connection after its handshake: a read loop and a write loop around a byte stream.
 *
 *   socket → receive buffer → MessageReader → swarm           (borrowed views, one copy into the piece buffer)
 *   swarm → SendQueue → send buffer (blocks read from disk behind their headers) → socket
 *
 * The swarm hears everything by direct calls and answers through `PeerSender`. Its work is batched per read:
 * after all complete messages of one read it asks for more, once.
 */
import { BufferPool } from "../../buffer_pool.ts";
import { BusyStorageError, messageOf, ProtocolError, StorageError } from "../../errors.ts";
import {
  encodeKeepAlive,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../protocol/peer_messages.ts";
import { CONNECTIONS, TRANSFER } from "../../settings.ts";
import { CLOSED_BY_PEER, type PeerSender, type RateLimit } from "../../swarm/ports.ts";
import type { PeerFacts, RemotePeer } from "../../swarm/peers/remote_peer.ts";
import type { ConnectionOwner } from "../../swarm/connection_owner.ts";
import type { ByteStream } from "./byte_stream.ts";
import { SendQueue } from "./send_queue.ts";
import { type Sleeper, WakeBatch } from "./wake_batch.ts";

/** Messages up to this many bytes are sent from a buffer of the connection's own: a few requests, haves, a choke. */
const SMALL_SEND_BYTES = 2 * 1_024;

/** Resources that all connections of the process share. */
export interface ConnectionResources {
  readonly sendBuffers: BufferPool;
  readonly receiveBuffers: BufferPool;
  readonly wakeBatch: WakeBatch;
  /** Bytes of all messages that wait to be sent, over all connections. */
  readonly backlog: { bytes: number };
  /** Monotonic clock in ms. */
  now(): number;
}

/** Creates the shared resources; `now` is a monotonic clock in ms. */
export function createResources(now: () => number): ConnectionResources {
  return {
    now,
    wakeBatch: new WakeBatch(now),
    backlog: { bytes: 0 },
    sendBuffers: new BufferPool(TRANSFER.sendBufferBytes, TRANSFER.sendBuffersKept),
    receiveBuffers: new BufferPool(TRANSFER.sourceReceiveBufferBytes, TRANSFER.receiveBuffersKept),
  };
}

/** One connected remote peer, as seen from the socket. */
export class PeerConnection implements PeerSender, Sleeper {
  readonly #stream: ByteStream;
  readonly #swarm: ConnectionOwner;
  readonly #resources: ConnectionResources;
  readonly #peer: RemotePeer;
  readonly #queue = new SendQueue();
  readonly #closing = new AbortController();
  #reason = "";
  /** Wakes the write loop when it waits for something to send. */
  #resume: (() => void) | undefined;
  /** Whether the queue holds something that must be sent at once. */
  #isAwake = false;
  /** When the last whole message came, in ms; an incomplete message, arriving byte by byte, does not count. */
  #lastHeardAt: number;
  #lastWriteAt: number;
  /** When the write under way began, in ms; undefined while there is none. */
  #writingSince: number | undefined;

  constructor(stream: ByteStream, swarm: ConnectionOwner, facts: PeerFacts, resources: ConnectionResources) {
    this.#stream = stream;
    this.#swarm = swarm;
    this.#resources = resources;
    this.#lastHeardAt = this.#lastWriteAt = resources.now();
    this.#peer = swarm.peerConnected(facts, this, resources.now());
  }

  /** Runs until the connection is closed by either side, and returns why. Never rejects. */
  async run(): Promise<string> {
    const loops = [this.#readLoop(), this.#writeLoop()].map((loop) =>
      loop.catch((error) => this.close(reasonOf(error)))
    );
    await Promise.race(loops);
    this.close("the connection ended");
    this.#swarm.peerClosed(this.#peer, this.#reason, this.#resources.now());
    await Promise.all(loops);
    this.#resources.backlog.bytes -= this.#queue.messageBytes;
    return this.#reason;
  }

  /** The address of the remote. */
  get remoteAddress(): string {
    return this.#stream.remote.address;
  }

  /** Our own address on this connection. */
  get localAddress(): string {
    return this.#stream.local.address;
  }

  // PeerSender

  send(message: Uint8Array): void {
    if (this.#push(message)) this.wake();
  }

  sendSoon(message: Uint8Array): void {
    if (this.#push(message)) this.#resources.wakeBatch.add(this);
  }

  /** Queues a message; false when the connection is closed, also because too many bytes were waiting. */
  #push(message: Uint8Array): boolean {
    if (this.#closing.signal.aborted) return false;
    const { backlog } = this.#resources;
    this.#queue.pushMessage(message);
    backlog.bytes += message.length;
    const limit = backlog.bytes > TRANSFER.maxBacklogBytes
      ? TRANSFER.maxBacklogBytes / CONNECTIONS.perProcess
      : TRANSFER.maxQueuedMessageBytes;
    if (this.#queue.messageBytes <= limit) return true;
    this.close("it reads nothing");
    return false;
  }

  /** Sends everything that is queued. */
  wake(): void {
    this.#isAwake = true;
    this.#resume?.();
    this.#resume = undefined;
  }

  queueBlock(index: number, begin: number, length: number): void {
    this.#queue.pushBlock(index, begin, length);
    this.wake();
  }

  dropBlock(index: number, begin: number, length: number): boolean {
    return this.#queue.dropBlock(index, begin, length);
  }

  dropBlocks(each: (index: number, begin: number, length: number) => void): number {
    return this.#queue.dropBlocks(each);
  }

  get queuedBlocks(): number {
    return this.#queue.blockCount;
  }

  close(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#reason = reason;
    this.#closing.abort(new Error(reason));
    this.#stream.close();
    this.wake();
  }

  /** Whether it is closed, or its peer does not use it; `now` in ms. */
  isIdle(now: number): boolean {
    return this.#closing.signal.aborted || !this.#swarm.isInUse(this.#peer, now);
  }

  /** Keeps a quiet connection alive and closes a dead one; `now` in ms. */
  tick(now: number): void {
    if (now - this.#lastHeardAt > CONNECTIONS.silenceTimeoutMs) {
      return this.close("it was silent for too long");
    }
    if (this.#writingSince !== undefined) {
      if (now - this.#writingSince > CONNECTIONS.writeTimeoutMs) this.close("it reads nothing");
    } else if (now - this.#lastWriteAt > CONNECTIONS.keepAliveMs) {
      this.send(encodeKeepAlive());
    }
  }

  // Reading

  async #readLoop(): Promise<void> {
    const { receiveBuffers } = this.#resources;
    const small = new Uint8Array(TRANSFER.receiveBufferBytes);
    const bitfieldBytes = 1 + Math.ceil(this.#peer.have.length / 8);
    const reader = new MessageReader(Math.max(TRANSFER.maxMessageBytes, bitfieldBytes));
    const { storage, limits: { download: limit } } = this.#swarm;
    let buffer = small;
    let filled = 0;
    try {
      while (!this.#closing.signal.aborted) {
        if (!storage.hasRoom()) await storage.whenRoom();
        buffer = this.#fitBuffer(buffer, filled, small, reader.wanted);
        const end = filled + limit.portion;
        const count = await this.#stream.read(buffer.subarray(filled, end));
        if (count === null) return this.close(CLOSED_BY_PEER);
        if (this.#closing.signal.aborted) return;
        filled += count;
        this.#takeMessages(reader, buffer, filled);
        buffer.copyWithin(0, reader.consumed, filled);
        filled -= reader.consumed;
        reader.begins(buffer, filled);
        if (limit.portion < Infinity) await this.#payFor(count, limit);
      }
    } finally {
      if (buffer.length === receiveBuffers.bufferLength) receiveBuffers.give(buffer);
    }
  }

  /** Waits until the rate limit lets us read on. Meanwhile the peer's bytes wait in the kernel. */
  async #payFor(bytes: number, limit: RateLimit): Promise<void> {
    const { now } = this.#resources;
    const since = now();
    this.#peer.isHeldUp = true;
    await limit.spend(bytes, this.#closing.signal);
    this.#peer.isHeldUp = false;
    if (now() - since >= 1) this.#peer.heldUpAt = now();
  }

  /** Hands all complete messages to the swarm. */
  #takeMessages(reader: MessageReader, buffer: Uint8Array, filled: number): void {
    const now = this.#resources.now();
    reader.begins(buffer, filled);
    while (!this.#closing.signal.aborted && reader.next()) {
      this.#lastHeardAt = now;
      this.#swarm.messageReceived(this.#peer, reader, now);
    }
    this.#swarm.batchReceived(this.#peer, now);
  }

  /**
   * The buffer for the next read: a pooled one while the peer is a download source, else the small one, and in any case
   * as large as the incomplete message at its start. The first `filled` bytes, which are fewer, are kept.
   */
  #fitBuffer(
    buffer: Uint8Array<ArrayBuffer>,
    filled: number,
    small: Uint8Array<ArrayBuffer>,
    wanted: number,
  ): Uint8Array<ArrayBuffer> {
    const { receiveBuffers } = this.#resources;
    const length = Math.max(this.#peer.isSource ? receiveBuffers.bufferLength : small.length, wanted);
    if (buffer.length === length) return buffer;
    const isPooled = length === receiveBuffers.bufferLength;
    const next = isPooled ? receiveBuffers.take() : length === small.length ? small : new Uint8Array(length);
    next.set(buffer.subarray(0, filled));
    if (buffer.length === receiveBuffers.bufferLength) receiveBuffers.give(buffer);
    return next;
  }

  // Writing

  async #writeLoop(): Promise<void> {
    const { sendBuffers, now } = this.#resources;
    const limit = this.#swarm.limits.upload;
    const small = new Uint8Array(SMALL_SEND_BYTES);
    while (!this.#closing.signal.aborted) {
      if (this.#queue.isEmpty || !this.#isAwake) {
        this.#isAwake = false;
        await new Promise<void>((resolve) => this.#resume = resolve);
        continue;
      }
      const buffer = this.#takeSendBuffer(small);
      try {
        const { end, payload } = await this.#fill(buffer, limit.portion);
        if (this.#closing.signal.aborted) return;
        this.#writingSince = now();
        await this.#stream.write(buffer.subarray(0, end));
        this.#writingSince = undefined;
        this.#lastWriteAt = now();
        if (payload > 0) this.#swarm.blockSent(this.#peer, payload, this.#lastWriteAt);
        if (limit.portion < Infinity) await limit.spend(end, this.#closing.signal);
      } finally {
        if (buffer.length === sendBuffers.bufferLength) sendBuffers.give(buffer);
      }
    }
  }

  /**
   * A buffer for the next write: a pooled one for a peer with an upload slot, else one just large enough, so that many
   * peers that ask and do not read take up little memory.
   */
  #takeSendBuffer(small: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { messageBytes, nextBlockBytes = 0 } = this.#queue;
    if (messageBytes + nextBlockBytes <= small.length) return small;
    const { sendBuffers } = this.#resources;
    const length = Math.min(messageBytes, TRANSFER.maxChokedSendBytes) + nextBlockBytes;
    return this.#peer.weChoke && length < sendBuffers.bufferLength
      ? new Uint8Array(length)
      : sendBuffers.take();
  }

  /** Fills a send buffer: first messages, then as many blocks as fit into `portion` bytes, but at least one. */
  async #fill(buffer: Uint8Array, portion: number): Promise<{ end: number; payload: number }> {
    let end = this.#queue.takeMessages(buffer, 0);
    this.#resources.backlog.bytes -= end;
    let payload = 0;
    const readings: Promise<void>[] = [];
    for (;;) {
      const bytes = this.#queue.nextBlockBytes;
      if (bytes === undefined || end + bytes > buffer.length || (payload > 0 && end + bytes > portion)) break;
      try {
        const { index, begin, length } = this.#queue.takeBlock();
        writePieceHeader(buffer, end, index, begin, length);
        const reading = this.#readBlock(
          index,
          begin,
          buffer.subarray(end + PIECE_HEADER_LENGTH, end + bytes),
        );
        if (reading !== undefined) readings.push(reading);
      } catch (error) {
        readings.push(Promise.reject(error));
        break;
      }
      end += bytes;
      payload += bytes - PIECE_HEADER_LENGTH;
    }
    if (readings.length > 0) {
      // The buffer is given back only when nobody reads into it any more.
      const failed = (await Promise.allSettled(readings)).find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
    return { end, payload };
  }

  /** Reads a block, at once or later. Errors: `StorageError`, thrown or as rejection; the swarm has heard it then. */
  #readBlock(index: number, begin: number, target: Uint8Array): Promise<void> | void {
    try {
      const reading = this.#swarm.storage.readInto(index, begin, target);
      if (reading !== undefined) return this.#awaitBlock(index, reading);
    } catch (error) {
      this.#blockUnreadable(index, error);
    }
  }

  async #awaitBlock(index: number, reading: Promise<void>): Promise<void> {
    try {
      await reading;
    } catch (error) {
      this.#blockUnreadable(index, error);
    }
  }

  #blockUnreadable(index: number, error: unknown): never {
    // Without this connection there is a descriptor for the next read.
    const isLost = error instanceof StorageError && !(error instanceof BusyStorageError);
    if (isLost) this.#swarm.pieceUnreadable(index, error);
    throw error;
  }
}

/** The reason why a loop ended, in words for people: a fault of the peer, of the disk or of the network. */
function reasonOf(error: unknown): string {
  if (error instanceof ProtocolError) return `it broke the protocol: ${error.message}`;
  if (error instanceof StorageError) return `a block could not be read: ${error.message}`;
  if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
    return CLOSED_BY_PEER;
  }
  return messageOf(error);
}
