import assert from "node:assert/strict";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { type Endpoint, parseEndpoint } from "../../../lib/protocol/endpoint.ts";
import { createPeerId } from "../../../lib/protocol/peer_id.ts";
import { TICK_MS, TRANSFER } from "../../../lib/settings.ts";
import { NOBODY } from "../../../lib/swarm/download/block_routing.ts";
import type { FileChoice, FileSelection } from "../../../lib/swarm/download/file_selection.ts";
import { MetadataSwarm } from "../../../lib/swarm/metadata_swarm.ts";
import { DEFAULT_CHOICES, Policy } from "../../../lib/swarm/policy.ts";
import type { SwarmEvent } from "../../../lib/swarm/ports.ts";
import { Swarm } from "../../../lib/swarm/swarm.ts";
import type { AnySwarm } from "../../../lib/swarm/swarm_registry.ts";
import { selectFiles } from "../data/selection.ts";
import { noLimits, testSurroundings } from "../sessions/surroundings.ts";
import { MemoryStorage } from "./memory_storage.ts";
import type { VirtualLan } from "./virtual_lan.ts";
import { LATENCY_MS, type Packet, type Wire } from "./wire.ts";

/** How long a disk takes for a piece, for the move of finished data or for metadata, in ms. */
const COMMIT_MS = 0.5;

/** How a host of the LAN is set up. */
export interface HostOptions {
  /** Its data when it has everything from the start; null when nothing. */
  readonly data: Uint8Array | null;
  /** Link rate in bytes per second, each way. */
  readonly rate?: number;
  readonly uploadSlots?: number | undefined;
  readonly superSeeds?: boolean | undefined;
  /** Files it wants; all when undefined. */
  readonly files?: Partial<FileChoice> | undefined;
  /** Whether it speaks the Fast extension; it does unless told otherwise. */
  readonly speaksFast?: boolean;
  /** Whether it begins with a magnet link, so that it must get the metadata first. */
  readonly lacksMetadata?: boolean;
  /** The number of its subnet, from 0 to 255; hosts of one subnet reach each other without its uplink. */
  readonly subnet?: number;
  /** The port of its tracker; undefined where it runs none. */
  readonly trackerPort?: number | undefined;
  /** Whether it gives nobody anything. */
  readonly isFreeRider?: boolean;
  /** The info dictionary it gives, for hosts that lie. */
  readonly rawInfo?: Uint8Array;
}

/** Messages that were to be sent soon at `at`, in ms of virtual time. */
interface Soon {
  readonly at: number;
  readonly messages: [Wire, Uint8Array][];
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
  /** How often it dialled an endpoint where nobody is. */
  dialsInVain = 0;
  /** Bytes it sent that are payload. */
  payloadSent = 0;
  messagesReceived = 0;
  /** Changes what a block holds before it is sent; for hosts that lie. */
  corrupt: ((index: number, block: Uint8Array) => void) | undefined;
  /** Swallows everything it would send; for hosts that fall silent. */
  isMute = false;
  /** How often it refuses a request it could serve, from 0 to 1; for hosts with the Fast extension. */
  refusals = 0;
  readonly speaksFast: boolean;
  readonly rate: number;
  /** The number of its subnet. */
  readonly subnet: number;
  #isUplinkBusy = false;
  /** When the uplink is free again, in ms of virtual time. */
  #uplinkFreeAt = 0;
  /** Connections with something to hand to the kernel, and whether that is about to happen. */
  #pending: Wire[] = [];
  #isHandingOver = false;
  /** The messages that may wait, of the last instant that had any. */
  #soon: Soon = { at: -1, messages: [] };
  /** Connections with a packet that may leave, by turns. */
  readonly #turns: Wire[] = [];
  /** Bytes of messages that have left out of turn since the last packet. */
  #owedBytes = 0;
  /** When the downlink is free again, in ms of virtual time. */
  #downlinkFreeAt = 0;

  constructor(readonly lan: VirtualLan, number: number, options: HostOptions) {
    const { metainfo } = lan;
    this.rate = options.rate ?? Infinity;
    this.speaksFast = options.speaksFast ?? true;
    const { subnet = 0 } = options;
    this.subnet = subnet;
    this.endpoint = { address: `10.${subnet}.${number >> 8}.${number & 255}`, port: 6881 };
    const later = (job: () => void) => lan.after(COMMIT_MS, job);
    this.storage = new MemoryStorage(metainfo, options.data ?? undefined, later, lan.sharedBytes);
    this.selection = selectFiles(metainfo, options.files);
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
        isLocal: (address) => address.startsWith(`10.${subnet}.`),
        trackerPort: options.trackerPort,
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
    if (options.isFreeRider) this.#giveNothing();
    const { infoHash, name } = metainfo;
    const completed = (rawInfo: Uint8Array) => lan.after(COMMIT_MS, () => this.#metadataFetched(rawInfo));
    this.owner = options.lacksMetadata
      ? new MetadataSwarm({ ...own, infoHash, name, completed })
      : this.swarm;
    this.#tick();
  }

  /** Gives no slots, and refuses requests for pieces that may be asked for without one. */
  #giveNothing(): void {
    this.swarm.upload.fillSlots = this.swarm.upload.chooseSlots = () => {};
    this.refusals = 1;
  }

  #report(event: SwarmEvent): void {
    if (this.lan.isChecked) this.events.push(event);
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
    this.selection = selectFiles(this.lan.metainfo, files);
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
    for (const wire of this.connections) this.pump(wire);
  }

  /** Dials what the swarm wants dialled. */
  dial(): void {
    for (const endpoint of this.owner.takeDials(1_000)) {
      const other = this.lan.hostAt(endpoint);
      if (other === undefined) this.dialsInVain++;
      if (other === undefined || !this.lan.connect(this, other)) this.owner.dialFailed(endpoint);
    }
  }

  #tick(): void {
    this.lan.after(TICK_MS, () => {
      this.owner.tick(this.lan.now);
      this.dial();
      if (this.lan.isChecked) this.assertConsistent();
      this.#tick();
    });
  }

  /** Sends what is queued on a connection, once all is queued that is queued in the same instant. */
  pump(wire: Wire): void {
    if (!wire.isPending) this.#pending.push(wire);
    wire.isPending = true;
    if (this.#isHandingOver) return;
    this.#isHandingOver = true;
    this.lan.after(0, () => this.#handOver());
  }

  /** Sends a message in a few hundredths of a second, with all that were to be sent soon in the same instant. */
  sendSoon(wire: Wire, message: Uint8Array): void {
    const { lan } = this;
    if (this.#soon.at !== lan.now) {
      const batch: Soon = { at: lan.now, messages: [] };
      this.#soon = batch;
      lan.after(TRANSFER.soonMs, () => {
        for (const [wire, message] of batch.messages) wire.send(message);
      });
    }
    this.#soon.messages.push([wire, message]);
  }

  #handOver(): void {
    this.#isHandingOver = false;
    const pending = this.#pending;
    this.#pending = [];
    const sent: [Wire, Packet][] = [];
    for (const wire of pending) {
      wire.isPending = false;
      const messages = this.isMute ? undefined : wire.takeMessages();
      if (messages !== undefined) sent.push([wire, messages]);
      wire.handOver();
      this.#queue(wire);
    }
    this.#sendAtOnce(sent);
    this.#transmit();
  }

  /** Messages leave behind the packet that is on the link now, and the next one has to make up for them. */
  #sendAtOnce(sent: readonly [Wire, Packet][]): void {
    if (sent.length === 0) return;
    for (const [, { bytes }] of sent) this.#owedBytes += bytes;
    this.lan.after(Math.max(this.#uplinkFreeAt - this.lan.now, 0), () => {
      for (const [wire, packet] of sent) this.#cross(wire, packet, () => wire.deliver(packet));
    });
  }

  /** Lets a connection wait for its turn at the uplink, if it has a packet that may leave. */
  #queue(wire: Wire): void {
    if (wire.isInTurn || !wire.isReady) return;
    wire.isInTurn = true;
    this.#turns.push(wire);
  }

  /** Sends the next packet when the uplink is free; connections take turns. */
  #transmit(): void {
    if (this.#isUplinkBusy || this.isMute) return;
    for (;;) {
      const wire = this.#turns.shift();
      if (wire === undefined) return;
      wire.isInTurn = false;
      if (!wire.isReady) continue;
      this.#isUplinkBusy = true;
      const packet = wire.takePacket();
      this.#queue(wire);
      const durationMs = (packet.bytes + this.#owedBytes) * 1_000 / this.rate;
      this.#owedBytes = 0;
      this.#uplinkFreeAt = this.lan.now + durationMs;
      this.lan.after(durationMs, () => {
        this.#isUplinkBusy = false;
        this.#deliver(wire, packet);
        this.#transmit();
      });
      return;
    }
  }

  /** A packet has left. */
  #deliver(wire: Wire, packet: Packet): void {
    this.#cross(wire, packet, () => {
      wire.arrived(packet);
      this.pump(wire);
    });
  }

  /**
   * A packet that leaves now goes to another host, through the router where that is far, and queues at its downlink. It
   * takes its place in each queue only once it gets there: else it would hold up those that are there before.
   */
  #cross({ other: { host: to } }: Wire, { bytes }: Packet, arrived: () => void): void {
    const { lan } = this;
    const queue = () => {
      const at = Math.max(lan.now + LATENCY_MS, to.#downlinkFreeAt + bytes * 1_000 / to.rate);
      to.#downlinkFreeAt = at;
      lan.after(at - lan.now, arrived);
    };
    if (to.subnet === this.subnet) queue();
    else lan.uplinks.pass(this.subnet, to.subnet, bytes, queue);
  }

  /** Asserts what must be true of the download at any time, between two events. */
  assertConsistent(): void {
    const fault = this.#fault();
    if (fault !== undefined) assert.fail(`${this.endpoint.address}: ${fault}`);
  }

  /** What is wrong in the books of the download; undefined when nothing is. Asked after every event, so it asserts nothing itself. */
  #fault(): string | undefined {
    const { stored, picker, routing } = this.swarm.download;
    const asked = new Map<number, number>();
    let hasFreeBlocks = false;
    for (const piece of routing.pieces) {
      const { index, blockCount } = piece;
      if (stored.has(index) || picker.isMissing(index)) {
        return `piece ${index} is active and in another state`;
      }
      hasFreeBlocks ||= piece.freeBlocks > 0;
      for (let block = 0; block < blockCount; block++) {
        for (const peer of [piece.askerOf(block), piece.secondAskerOf(block)]) {
          if (peer !== NOBODY) asked.set(peer, 1 + (asked.get(peer) ?? 0));
        }
      }
    }
    if (routing.hasFreeBlocks !== hasFreeBlocks) return `the table says ${!hasFreeBlocks} of free blocks`;
    for (const { peer } of this.connections) {
      const askedOfIt = asked.get(peer.number) ?? 0;
      if (peer.outstanding !== askedOfIt) {
        return `a peer owes ${peer.outstanding} blocks, the table says ${askedOfIt}`;
      }
      if (peer.released < 0) return `${peer.released} blocks are released`;
      if (peer.isSource && peer.peerChokes) return "a peer that chokes us is a source";
      const wanted = this.#countWanted(peer.have);
      if (peer.wantedPieces !== wanted) {
        return `a peer has ${peer.wantedPieces} wanted pieces, counted ${wanted}`;
      }
    }
    return undefined;
  }

  /** How many pieces of `have` this host wants and lacks. */
  #countWanted(have: Bitfield): number {
    const { stored } = this.swarm.download;
    let wanted = 0;
    for (let index = 0; index < have.length; index++) {
      if (have.has(index) && !stored.has(index) && this.selection.pieces.has(index)) wanted++;
    }
    return wanted;
  }
}
