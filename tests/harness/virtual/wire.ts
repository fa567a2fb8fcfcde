import {
  encodeAboutBlock,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../../lib/protocol/peer_messages.ts";
import { messageOf } from "../../../lib/errors.ts";
import { SendQueue } from "../../../lib/net/peers/send_queue.ts";
import { TRANSFER } from "../../../lib/settings.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import type { PeerSender } from "../../../lib/swarm/ports.ts";
import type { AnySwarm } from "../../../lib/swarm/swarm_registry.ts";
import type { Host } from "./host.ts";

/** How long a packet travels, in ms. */
export const LATENCY_MS = 0.1;
/** The kernel takes a write while it has no more than this of the connection, in bytes. */
const SEND_BUFFER_BYTES = 128 * 1024;
/** What a connection has on the way at most, in bytes. */
const MAX_IN_FLIGHT_BYTES = 80 * 1024;

/**
 * One end of a connection: what its host sends on it waits in a send queue, then in the kernel's buffer, and is then on
 * the way.
 */
export class Wire implements PeerSender {
  other!: Wire;
  peer!: RemotePeer;
  readonly #queue = new SendQueue();
  readonly #reader = new MessageReader(TRANSFER.maxMessageBytes);
  readonly #owner: AnySwarm;
  /** Packets that the kernel has taken and that have not left, and their bytes. */
  readonly #taken: Uint8Array<ArrayBuffer>[] = [];
  #takenBytes = 0;
  #inFlightBytes = 0;
  #isOpen = true;

  constructor(readonly host: Host) {
    this.#owner = host.owner;
  }

  send(message: Uint8Array): void {
    this.#queue.pushMessage(message);
    this.host.pump();
  }

  sendSoon(message: Uint8Array): void {
    this.host.lan.after(TRANSFER.soonMs, () => {
      if (this.#isOpen) this.send(message);
    });
  }

  queueBlock(index: number, begin: number, length: number): void {
    this.#queue.pushBlock(index, begin, length);
    this.host.pump();
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

  /** Hands what is queued to the kernel, up to one write, as soon as the kernel takes it. */
  handOver(): void {
    if (this.peer === undefined || this.#takenBytes > SEND_BUFFER_BYTES) return;
    const end = this.#takenBytes + TRANSFER.sendBufferBytes;
    while (this.#isOpen && !this.#queue.isEmpty && this.#takenBytes < end) {
      const packet = this.#nextPacket();
      this.#taken.push(packet);
      this.#takenBytes += packet.length;
    }
  }

  /** Whether a packet may leave. */
  get isReady(): boolean {
    return this.#taken.length > 0 && this.#inFlightBytes < MAX_IN_FLIGHT_BYTES;
  }

  /** Takes the next packet, which is on the way until `arrived`. */
  takePacket(): Uint8Array<ArrayBuffer> {
    const packet = this.#taken.shift()!;
    this.#takenBytes -= packet.length;
    this.#inFlightBytes += packet.length;
    this.handOver();
    return packet;
  }

  /** A packet of this connection has arrived. */
  arrived(packet: Uint8Array<ArrayBuffer>): void {
    this.#inFlightBytes -= packet.length;
    this.other.#receive(packet);
    this.host.lan.sharedBytes.give(packet);
  }

  close(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { lan, connections } = this.host;
    connections.delete(this);
    lan.after(0, () => this.#owner.peerClosed(this.peer, reason, lan.now));
    lan.after(LATENCY_MS, () => this.other.close("it closed the connection"));
  }

  /** The next packet: all waiting messages, or else one block. */
  #nextPacket(): Uint8Array<ArrayBuffer> {
    if (this.#queue.messageBytes > 0) {
      const messages = new Uint8Array(this.#queue.messageBytes);
      this.#queue.takeMessages(messages, 0);
      return messages;
    }
    return this.#queue.takeBlock((index, begin, length) => {
      if (this.host.refuses()) return encodeAboutBlock(MessageId.reject, index, begin, length);
      const packet = this.host.lan.sharedBytes.take(PIECE_HEADER_LENGTH + length);
      writePieceHeader(packet, 0, index, begin, length);
      const block = packet.subarray(PIECE_HEADER_LENGTH);
      this.host.storage.readInto(index, begin, block);
      this.host.corrupt?.(index, block);
      this.host.payloadSent += length;
      this.#owner.blockSent(this.peer, length, this.host.lan.now);
      return packet;
    });
  }

  #receive(packet: Uint8Array): void {
    if (!this.#isOpen) return;
    const { lan } = this.host;
    try {
      this.#reader.begins(packet, packet.length);
      while (this.#reader.next()) this.#owner.messageReceived(this.peer, this.#reader, lan.now);
      this.#owner.batchReceived(this.peer, lan.now);
    } catch (error) {
      this.close(messageOf(error));
    }
  }
}
