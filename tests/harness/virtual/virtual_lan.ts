/**
 * A LAN in one process and in virtual time: hosts with real swarms, joined by wires of a given rate.
 *
 *   host A: swarm → SendQueue → kernel's buffer of the connection → uplink (one packet at a time, connections in turn)
 *           → downlink of B → MessageReader → swarm
 *
 * As with TCP, what the kernel has taken cannot be taken back, and a connection has only so much on the way: a full
 * downlink holds up those who send to it, and their uplinks serve others or idle.
 * Nothing waits for a clock: `run` steps from event to event, so minutes of swarm life take milliseconds, and the
 * same seed gives the same run.
 */
import assert from "node:assert/strict";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../../../lib/protocol/endpoint.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import {
  encodeAboutBlock,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../../lib/protocol/peer_messages.ts";
import { createPeerId } from "../../../lib/protocol/peer_id.ts";
import { messageOf } from "../../../lib/errors.ts";
import { SendQueue } from "../../../lib/net/peers/send_queue.ts";
import { TICK_MS, TRANSFER } from "../../../lib/settings.ts";
import {
  EVERYTHING,
  type FileChoice,
  type FileSelection,
  selectFiles,
} from "../../../lib/swarm/download/file_selection.ts";
import { DEFAULT_CHOICES, Policy } from "../../../lib/swarm/policy.ts";
import type { PeerSender, SwarmEvent } from "../../../lib/swarm/ports.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { MetadataSwarm } from "../../../lib/swarm/metadata_swarm.ts";
import type { AnySwarm } from "../../../lib/swarm/swarm_registry.ts";
import { Swarm } from "../../../lib/swarm/swarm.ts";
import { MemoryStorage } from "./memory_storage.ts";
import { seededRandom } from "../data/random.ts";
import { noLimits, testSurroundings } from "../sessions/surroundings.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** How long a packet travels, in ms. */
const LATENCY_MS = 0.1;
/** The kernel takes a write while it has no more than this of the connection, in bytes. */
const SEND_BUFFER_BYTES = 128 * 1024;
/** What a connection has on the way at most, in bytes. */
const MAX_IN_FLIGHT_BYTES = 80 * 1024;

/** How a host of the LAN is set up. */
export interface HostOptions {
  /** Its data when it has everything from the start; null when nothing. */
  readonly data: Uint8Array | null;
  /** Link rate in bytes per second, each way. */
  readonly rate?: number;
  readonly uploadSlots?: number;
  readonly superSeeds?: boolean;
  /** Files it wants; all when undefined. */
  readonly files?: Partial<FileChoice>;
  /** Whether it speaks the Fast extension; it does unless told otherwise. */
  readonly speaksFast?: boolean;
  /** Whether it begins with a magnet link, so that it must get the metadata first. */
  readonly lacksMetadata?: boolean;
  /** The info dictionary it gives, for hosts that lie. */
  readonly rawInfo?: Uint8Array;
}

/** One host: a swarm, its disk and its link. */
export class Host {
  /** Who has its connections: `swarm`, once it has the metadata. */
  owner: AnySwarm;
  readonly swarm: Swarm;
  readonly policy: Policy;
  readonly storage: MemoryStorage;
  readonly endpoint: Endpoint;
  selection: FileSelection;
  readonly peerId: Uint8Array;
  readonly events: SwarmEvent[] = [];
  readonly connections = new Set<Wire>();
  /** When its data was complete and in place, in ms of virtual time; undefined before. */
  finishedAt: number | undefined;
  /** Bytes it sent that are payload. */
  payloadSent = 0;
  /** Changes what a block holds before it is sent; for hosts that lie. */
  corrupt: ((index: number, block: Uint8Array) => void) | undefined;
  /** Swallows everything it would send; for hosts that fall silent. */
  isMute = false;
  /** How often it refuses a request it could serve, from 0 to 1; for hosts with the Fast extension. */
  refusals = 0;
  readonly speaksFast: boolean;
  readonly rate: number;
  isUplinkBusy = false;
  /** Whether what is queued is about to be handed to the kernel. */
  isHandingOver = false;
  /** When the downlink is free again. */
  downlinkFreeAt = 0;

  constructor(readonly lan: VirtualLan, number: number, options: HostOptions) {
    const { metainfo } = lan;
    this.rate = options.rate ?? Infinity;
    this.speaksFast = options.speaksFast ?? true;
    this.endpoint = { address: `10.0.${number >> 8}.${number & 255}`, port: 6881 };
    this.storage = new MemoryStorage(metainfo, options.data?.slice(), (job) => lan.after(0.5, job));
    this.selection = selectFiles(metainfo, { ...EVERYTHING, ...options.files });
    const pieceCount = metainfo.layout.pieceCount;
    const random = lan.random;
    this.peerId = createPeerId(Uint8Array.from({ length: 20 }, () => random() * 256));
    this.policy = new Policy(DEFAULT_CHOICES, {
      uploadSlots: options.uploadSlots,
      superSeeds: options.superSeeds,
    });
    const own = {
      policy: this.policy,
      limits: noLimits,
      surroundings: testSurroundings({
        peerId: this.peerId,
        isOurselves: () => false,
        random,
      }),
      report: (event: SwarmEvent) => this.#report(event),
      startedAt: lan.now,
    };
    this.swarm = new Swarm({
      ...own,
      metainfo: { ...metainfo, rawInfo: options.rawInfo ?? metainfo.rawInfo },
      selection: this.selection,
      storage: this.storage,
      stored: options.data === null ? new Bitfield(pieceCount) : Bitfield.full(pieceCount),
      isFinished: options.data !== null,
      isAnnouncer: false,
      totals: { uploaded: 0, downloaded: 0 },
    });
    this.storage.listener = this.swarm;
    const { infoHash, name } = metainfo;
    const completed = (rawInfo: Uint8Array) => lan.after(0.5, () => this.#metadataFetched(rawInfo));
    this.owner = options.lacksMetadata
      ? new MetadataSwarm({ ...own, infoHash, name, completed })
      : this.swarm;
    this.#tick();
  }

  #report(event: SwarmEvent): void {
    this.events.push(event);
    if (event.event === "complete") this.finishedAt = this.lan.now;
  }

  #metadataFetched(rawInfo: Uint8Array): void {
    assert.deepEqual(rawInfo, this.lan.metainfo.rawInfo);
    assert(this.owner instanceof MetadataSwarm);
    const { knownPeers } = this.owner;
    this.owner.stop("the metadata is there");
    this.owner = this.swarm;
    this.swarm.addPeers(knownPeers.map((name) => parseEndpoint(name)!), "user");
    // Real connections take a round trip, so the others know by then that the old ones are closed.
    this.lan.after(2 * LATENCY_MS, () => this.dial());
  }

  /** Its user wants other files from now on. */
  select(files: Partial<FileChoice>): void {
    this.selection = selectFiles(this.lan.metainfo, { ...EVERYTHING, ...files });
    this.swarm.select(this.selection, this.lan.now);
  }

  get hasEverything(): boolean {
    return this.finishedAt !== undefined || this.swarm.seeding;
  }

  /** Whether it refuses the request at hand. */
  refuses(): boolean {
    return this.refusals > 0 && this.lan.random() < this.refusals;
  }

  /** Falls silent, or speaks again. */
  mute(isMute: boolean): void {
    this.isMute = isMute;
    this.lan.pump(this);
  }

  /** Dials what the swarm wants dialled. */
  dial(): void {
    for (const endpoint of this.owner.takeDials(1_000)) {
      const other = this.lan.hostAt(endpoint);
      if (other === undefined || !this.lan.connect(this, other)) this.owner.dialFailed(endpoint);
    }
  }

  #tick(): void {
    this.lan.after(TICK_MS, () => {
      this.owner.tick(this.lan.now);
      this.dial();
      this.assertConsistent();
      this.#tick();
    });
  }

  /** Asserts what must be true of the download at any time, between two events. */
  assertConsistent(): void {
    const { stored, picker, routing } = this.swarm.download;
    const active = [...routing.pieces];
    for (const { index } of active) assert(!stored.has(index) && !picker.isMissing(index));
    assert.equal(routing.hasFreeBlocks, active.some(({ freeBlocks }) => freeBlocks > 0));
    for (const { peer } of this.connections) {
      const asked = active.reduce((sum, piece) => {
        const blocks = [...Array(piece.blockCount).keys()];
        return sum + blocks.filter((block) => piece.isAskedOf(block, peer.number)).length;
      }, 0);
      assert.equal(peer.outstanding, asked, "blocks outstanding at a peer, and those the table holds for it");
      assert(peer.released >= 0);
      assert(!peer.isSource || !peer.peerChokes);
      const isWanted = (index: number) => this.selection.pieces.has(index) && !stored.has(index);
      assert.equal(peer.wantedPieces, [...peer.have].filter(isWanted).length);
    }
  }
}

/** One end of a connection. */
export class Wire implements PeerSender {
  other!: Wire;
  peer!: RemotePeer;
  readonly #queue = new SendQueue();
  readonly #reader = new MessageReader(TRANSFER.maxMessageBytes);
  readonly #owner: AnySwarm;
  /** Packets that the kernel has taken and that have not left, and their bytes. */
  readonly #taken: Uint8Array[] = [];
  #takenBytes = 0;
  #inFlightBytes = 0;
  #isOpen = true;

  constructor(readonly host: Host) {
    this.#owner = host.owner;
  }

  send(message: Uint8Array): void {
    this.#queue.pushMessage(message);
    this.host.lan.pump(this.host);
  }

  sendSoon(message: Uint8Array): void {
    this.host.lan.after(TRANSFER.soonMs, () => {
      if (this.#isOpen) this.send(message);
    });
  }

  queueBlock(index: number, begin: number, length: number): void {
    this.#queue.pushBlock(index, begin, length);
    this.host.lan.pump(this.host);
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

  /** Hands what is queued to the kernel, up to one write, as soon as that takes it. */
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
  takePacket(): Uint8Array {
    const packet = this.#taken.shift()!;
    this.#takenBytes -= packet.length;
    this.#inFlightBytes += packet.length;
    this.handOver();
    return packet;
  }

  /** A packet of this connection has arrived. */
  arrived(packet: Uint8Array): void {
    this.#inFlightBytes -= packet.length;
    this.other.#receive(packet);
  }

  close(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.host.connections.delete(this);
    this.host.lan.after(0, () => this.#owner.peerClosed(this.peer, reason, this.host.lan.now));
    this.host.lan.after(LATENCY_MS, () => this.other.close("it closed the connection"));
  }

  /** The next packet: all waiting messages, or else one block. */
  #nextPacket(): Uint8Array {
    const messages = new Uint8Array(this.#queue.messageBytes);
    if (messages.length > 0) {
      this.#queue.takeMessages(messages, 0);
      return messages;
    }
    let packet: Uint8Array = new Uint8Array(this.#queue.nextBlockBytes!);
    this.#queue.takeBlock((index, begin, length) => {
      if (this.host.refuses()) {
        packet = encodeAboutBlock(MessageId.reject, index, begin, length);
        return;
      }
      writePieceHeader(packet, 0, index, begin, length);
      const block = packet.subarray(PIECE_HEADER_LENGTH);
      this.host.storage.readInto(index, begin, block);
      this.host.corrupt?.(index, block);
      this.host.payloadSent += length;
      this.#owner.blockSent(this.peer, length, this.host.lan.now);
    });
    return packet;
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

/** The LAN: hosts, virtual time and the events to come. */
export class VirtualLan {
  readonly #clock = new VirtualClock(1_000);
  readonly hosts: Host[] = [];
  readonly random: () => number;
  readonly #byName = new Map<string, Host>();
  /** Whether every host is checked after every event, not only itself at each of its ticks. */
  isStrict = false;

  constructor(readonly metainfo: Metainfo, seed = 1) {
    this.random = seededRandom(seed);
  }

  add(options: HostOptions): Host {
    const host = new Host(this, this.hosts.length + 1, options);
    this.hosts.push(host);
    this.#byName.set(formatEndpoint(host.endpoint), host);
    return host;
  }

  hostAt(endpoint: Endpoint): Host | undefined {
    return this.#byName.get(formatEndpoint(endpoint));
  }

  /** Tells everybody about everybody. */
  introduceAll(): void {
    for (const host of this.hosts) {
      host.owner.addPeers(
        this.hosts.filter((other) => other !== host).map(({ endpoint }) => endpoint),
        "tracker",
      );
      host.dial();
    }
  }

  /** Connects two hosts; false when one of them refuses. */
  connect(from: Host, to: Host): boolean {
    const facts = (remote: Host, local: Host, isIncoming: boolean) => ({
      endpoint: isIncoming ? { ...remote.endpoint, port: 50_000 } : remote.endpoint,
      localAddress: local.endpoint.address,
      peerId: remote.peerId,
      isIncoming,
      supportsFast: remote.speaksFast && local.speaksFast,
      supportsExtensions: true,
    });
    const [outgoing, incoming] = [facts(to, from, false), facts(from, to, true)];
    if (to.owner.refusal(incoming) !== undefined || from.owner.refusal(outgoing) !== undefined) return false;
    const [a, b] = [new Wire(from), new Wire(to)];
    a.other = b;
    b.other = a;
    from.connections.add(a);
    to.connections.add(b);
    b.peer = to.owner.peerConnected(incoming, b, this.now);
    a.peer = from.owner.peerConnected(outgoing, a, this.now);
    this.pump(from);
    this.pump(to);
    return true;
  }

  /** Hands what a host has queued to its kernel and sends it; only when all is queued that is so in the same instant. */
  pump(host: Host): void {
    if (host.isHandingOver) return;
    host.isHandingOver = true;
    this.after(0, () => {
      host.isHandingOver = false;
      for (const wire of host.connections) wire.handOver();
      this.#transmit(host);
    });
  }

  /** Sends the next packet of a host when its uplink is free; connections take turns. */
  #transmit(host: Host): void {
    if (host.isUplinkBusy || host.isMute) return;
    const wire = host.connections.values().find((wire) => wire.isReady);
    if (wire === undefined) return;
    host.connections.delete(wire);
    host.connections.add(wire);
    host.isUplinkBusy = true;
    const packet = wire.takePacket();
    const sendMs = packet.length * 1_000 / host.rate;
    this.after(sendMs, () => {
      host.isUplinkBusy = false;
      this.#deliver(host, wire, packet);
      this.#transmit(host);
    });
  }

  /** A packet has left its host: it queues at the other's downlink. */
  #deliver(host: Host, wire: Wire, packet: Uint8Array): void {
    const to = wire.other.host;
    const arrival = Math.max(this.now + LATENCY_MS, to.downlinkFreeAt + packet.length * 1_000 / to.rate);
    to.downlinkFreeAt = arrival;
    this.after(arrival - this.now, () => {
      wire.arrived(packet);
      this.#transmit(host);
    });
  }

  /** The present moment of virtual time, in ms. */
  get now(): number {
    return this.#clock.now;
  }

  /** Runs `job` after `ms` of virtual time; of jobs due together, the one asked for first comes first. */
  after(ms: number, job: () => void): void {
    this.#clock.after(ms, job);
  }

  /** Steps through time until `isDone`, for at most `limitMs` of virtual time; says whether it got there. */
  run(isDone: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs;
    while (!isDone()) {
      if (!this.#clock.step(end)) return false;
      if (this.isStrict) { for (const host of this.hosts) host.assertConsistent(); }
    }
    return true;
  }
}
