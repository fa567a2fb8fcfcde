/** A LAN of very many hosts in virtual time, whose swarms are the real ones and whose data has no bytes. */
import { NoBytes, torrentWithoutBytes } from "../../harness/virtual/no_bytes.ts";
import { type TrackedHost, TrackedLan } from "../../harness/virtual/tracked_lan.ts";
import { BLOCK_LENGTH } from "../../../lib/protocol/piece_layout.ts";
import { PIECE_HEADER_LENGTH } from "../../../lib/protocol/peer_messages.ts";

const PIECE_LENGTH = 64 * BLOCK_LENGTH;
/** How long a usual link takes for all data, with what its blocks are wrapped in, in ms. */
export const ONE_COPY_MS = 20_000;
/** A run ends after so many times the time of one copy, whoever is left. */
const MOST_COPIES = 40;

/** How large a run is. */
export interface RunSize {
  /** Hosts that want the data. */
  readonly hosts: number;
  readonly pieces: number;
  readonly seed: number;
}

/** A host of a run, and when it could begin. */
export interface Receiver {
  readonly tracked: TrackedHost;
  /** In ms of virtual time. */
  since: number;
  /** Whether it shows how well the others are served: not if it is slow, gives nothing, or leaves. */
  counts: boolean;
}

/** How a host differs from the usual. */
export interface Kind {
  /** Part of the usual rate that its link has. */
  readonly share?: number;
  readonly hasData?: boolean;
  readonly isFreeRider?: boolean;
  readonly subnet?: number;
  readonly counts?: boolean;
}

/** The LAN of one run. */
export class Simulation {
  readonly room: TrackedLan;
  readonly receivers: Receiver[] = [];
  /** Bytes per second of a usual link. */
  readonly rate: number;
  readonly length: number;

  constructor(readonly options: RunSize) {
    const metainfo = torrentWithoutBytes(options.pieces, PIECE_LENGTH);
    this.length = metainfo.layout.totalLength;
    this.rate = this.length * (1 + PIECE_HEADER_LENGTH / BLOCK_LENGTH) * 1_000 / ONE_COPY_MS;
    this.room = new TrackedLan(metainfo, options.seed, new NoBytes(PIECE_LENGTH));
    this.room.lan.isChecked = false;
  }

  /** A number in [0, 1). */
  random(): number {
    return this.room.lan.random();
  }

  /** Adds a host that may begin now. */
  add(
    { share = 1, hasData = false, isFreeRider = false, subnet = 0, counts = !hasData }: Kind = {},
  ): Receiver {
    const data = hasData ? new Uint8Array(0) : null;
    const tracked = this.room.add({ data, rate: share * this.rate, isFreeRider, subnet });
    const receiver = { tracked, since: this.room.lan.now, counts };
    this.receivers.push(receiver);
    return receiver;
  }

  /** Lets so many ms of virtual time pass. */
  passMs(ms: number): void {
    this.room.lan.run(() => false, ms);
  }

  /** Lets the time of so many copies pass. */
  pass(copies: number): void {
    this.passMs(copies * ONE_COPY_MS);
  }

  /** Does something when the time of so many copies has passed. */
  after(copies: number, job: () => void): void {
    this.room.lan.after(copies * ONE_COPY_MS, job);
  }

  /** Lets time pass until all are done that count. */
  finish(): void {
    const end = this.room.lan.now + MOST_COPIES * ONE_COPY_MS;
    const isLeft = ({ tracked, counts }: Receiver) => counts && !tracked.host.hasEverything;
    while (this.receivers.some(isLeft) && this.room.lan.now < end) this.passMs(100);
  }
}
