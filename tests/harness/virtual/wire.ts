import { encodeAboutBlock, MessageId, PIECE_HEADER_LENGTH } from "../../../lib/protocol/peer_messages.ts";
import { messageOf } from "../../../lib/errors.ts";
import { SendQueue } from "../../../lib/net/peers/send_queue.ts";
import { TRANSFER } from "../../../lib/settings.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { CLOSED_BY_PEER, type PeerSender } from "../../../lib/swarm/ports.ts";
import type { AnySwarm } from "../../../lib/swarm/swarm_registry.ts";
import type { Host } from "./host.ts";

/** How long a packet travels, in ms. */
export const LATENCY_MS = 0.1;
/** The kernel takes a write while it has no more than this of the connection, in bytes. */
const SEND_BUFFER_BYTES = 128 * 1024;
/** What a connection has on the way at most, in bytes. */
const MAX_IN_FLIGHT_BYTES = 80 * 1024;
/** The same through a router, whose short queue makes TCP share its link: one packet each. */
const MAX_FAR_BYTES = 1;
/** What the kernel takes of such a connection: its buffer grows with the window. */
const FAR_BUFFER_BYTES = 16 * 1024;

/** What travels at once: some messages, or one block. */
export interface Packet {
  readonly bytes: number;
  /** The messages; undefined for a block. */
  readonly messages: readonly Uint8Array[] | undefined;
  readonly index: number;
  readonly begin: number;
  readonly length: number;
}

function packetOf(messages: readonly Uint8Array[]): Packet {
  let bytes = 0;
  for (const message of messages) bytes += message.length;
  return { bytes, messages, index: 0, begin: 0, length: 0 };
}

/**
 * One end of a connection: what its host sends on it waits in a queue, then in the kernel's buffer, and is then on the
 * way. Messages on a connection without payload under way need no turn at the uplink: they travel at once.
 */
export class Wire implements PeerSender {
  other!: Wire;
  peer!: RemotePeer;
  /** Whether it leads through a router. */
  isFar = false;
  /** Whether its host has it in a queue: of those with something to hand over, and of those with a packet that may leave. */
  isPending = false;
  isInTurn = false;
  readonly #owner: AnySwarm;
  /** Messages that wait; they go before blocks. */
  #messages: Uint8Array[] = [];
  readonly #blocks = new SendQueue();
  /** Packets that the kernel has taken and that have not left, and their bytes. */
  readonly #taken: Packet[] = [];
  #takenBytes = 0;
  #inFlightBytes = 0;
  #isOpen = true;

  constructor(readonly host: Host) {
    this.#owner = host.owner;
  }

  send(message: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#messages.push(message);
    this.host.pump(this);
  }

  sendSoon(message: Uint8Array): void {
    this.host.sendSoon(this, message);
  }

  queueBlock(index: number, begin: number, length: number): void {
    this.#blocks.pushBlock(index, begin, length);
    this.host.pump(this);
  }

  dropBlock(index: number, begin: number, length: number): boolean {
    return this.#blocks.dropBlock(index, begin, length);
  }

  dropBlocks(each: (index: number, begin: number, length: number) => void): number {
    return this.#blocks.dropBlocks(each);
  }

  get queuedBlocks(): number {
    return this.#blocks.blockCount;
  }

  /** The messages that may travel at once, because nothing that was taken before them is still here or on the way. */
  takeMessages(): Packet | undefined {
    const isFree = this.#isOpen && this.#taken.length === 0 && this.#inFlightBytes === 0;
    return isFree ? this.#allMessages() : undefined;
  }

  /** Takes all waiting messages; undefined when there are none. */
  #allMessages(): Packet | undefined {
    if (this.#messages.length === 0) return undefined;
    const packet = packetOf(this.#messages);
    this.#messages = [];
    return packet;
  }

  /** Hands what is queued to the kernel, up to one write, as soon as the kernel takes it. */
  handOver(): void {
    if (this.#takenBytes > (this.isFar ? 0 : SEND_BUFFER_BYTES)) return;
    const end = this.#takenBytes + (this.isFar ? FAR_BUFFER_BYTES : TRANSFER.sendBufferBytes);
    while (this.#isOpen && this.#takenBytes < end) {
      const packet = this.#nextPacket();
      if (packet === undefined) return;
      this.#taken.push(packet);
      this.#takenBytes += packet.bytes;
    }
  }

  /** Whether a packet may leave. */
  get isReady(): boolean {
    return this.#isOpen && this.#taken.length > 0 &&
      this.#inFlightBytes < (this.isFar ? MAX_FAR_BYTES : MAX_IN_FLIGHT_BYTES);
  }

  /** Takes the next packet, which is on the way until `arrived`. */
  takePacket(): Packet {
    const packet = this.#taken.shift()!;
    this.#takenBytes -= packet.bytes;
    this.#inFlightBytes += packet.bytes;
    this.handOver();
    return packet;
  }

  /** A packet that was taken has arrived. */
  arrived(packet: Packet): void {
    this.#inFlightBytes -= packet.bytes;
    this.deliver(packet);
  }

  /** The next packet: all waiting messages, or else one block. */
  #nextPacket(): Packet | undefined {
    const messages = this.#allMessages();
    if (messages !== undefined || this.#blocks.blockCount === 0) return messages;
    const { index, begin, length } = this.#blocks.takeBlock();
    const { host } = this;
    if (host.refuses()) return packetOf([encodeAboutBlock(MessageId.reject, index, begin, length)]);
    host.payloadSent += length;
    this.#owner.blockSent(this.peer, length, host.lan.now);
    return { bytes: PIECE_HEADER_LENGTH + length, messages: undefined, index, begin, length };
  }

  close(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { lan, connections } = this.host;
    connections.delete(this);
    lan.after(0, () => this.#owner.peerClosed(this.peer, reason, lan.now));
    lan.after(LATENCY_MS, () => this.other.close(CLOSED_BY_PEER));
  }

  /** Gives what a packet carries to the swarm at the other end. */
  deliver({ messages, index, begin, length }: Packet): void {
    const to = this.other;
    if (!to.#isOpen) return;
    try {
      for (const message of messages ?? [this.#blockMessage(index, begin, length)]) to.#read(message);
      to.#owner.batchReceived(to.peer, to.host.lan.now);
    } catch (error) {
      to.close(messageOf(error));
    }
  }

  #blockMessage(index: number, begin: number, length: number): Uint8Array {
    const message = this.host.storage.blockMessage(index, begin, length);
    this.host.corrupt?.(index, message.subarray(PIECE_HEADER_LENGTH));
    return message;
  }

  #read(message: Uint8Array): void {
    const { lan } = this.host;
    lan.reader.begins(message, message.length);
    while (lan.reader.next()) {
      this.host.messagesReceived++;
      this.#owner.messageReceived(this.peer, lan.reader, lan.now);
    }
  }
}
