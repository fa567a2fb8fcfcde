import { StorageError } from "../../../lib/errors.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import type { PieceStorage, PieceStorageListener } from "../../../lib/swarm/ports.ts";
import { SharedBytes } from "./shared_bytes.ts";

/** A disk in memory for one torrent. Faults are switches. */
export class MemoryStorage implements PieceStorage {
  /** Answers go here; set when the swarm exists. */
  listener: PieceStorageListener | undefined;
  /** The next commit fails as if the disk were full. */
  isFull = false;
  readonly #metainfo: Metainfo;
  /** Runs a job later, in virtual time. */
  readonly #later: (job: () => void) => void;
  readonly #shared: SharedBytes;
  readonly data: Uint8Array;
  /** Buffers that were taken and neither committed nor given back. */
  buffersOut = 0;
  isFinished = false;

  /** `data`: all data, when it is there from the start; `shared`: what the disks of several hosts have in common. */
  constructor(
    metainfo: Metainfo,
    data: Uint8Array | undefined,
    later: (job: () => void) => void,
    shared = new SharedBytes(metainfo),
  ) {
    this.#metainfo = metainfo;
    this.#later = later;
    this.#shared = shared;
    this.data = data ?? new Uint8Array(metainfo.layout.totalLength);
  }

  takeBuffer(): Uint8Array<ArrayBuffer> {
    this.buffersOut++;
    return this.#shared.take(this.#metainfo.layout.pieceLength);
  }

  giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
    this.buffersOut--;
    this.#shared.give(buffer);
  }

  commit(index: number, buffer: Uint8Array<ArrayBuffer>): void {
    this.buffersOut--;
    this.#later(() => {
      const { layout } = this.#metainfo;
      const piece = buffer.subarray(0, layout.lengthOf(index));
      if (this.isFull) {
        this.listener!.storageFailed(new StorageError("No space left on device"));
      } else if (this.#shared.isRight(index, piece)) {
        this.data.set(piece, layout.offsetOf(index));
        this.listener!.pieceStored(index);
      } else {
        this.listener!.pieceCorrupt(index, buffer);
      }
      this.#shared.give(buffer);
    });
  }

  readInto(index: number, begin: number, target: Uint8Array): void {
    const offset = this.#metainfo.layout.offsetOf(index) + begin;
    target.set(this.data.subarray(offset, offset + target.length));
  }

  select(): void {
    this.isFinished = false;
  }

  hasRoom(): boolean {
    return true;
  }

  whenRoom(): Promise<void> {
    return Promise.resolve();
  }

  finish(): void {
    this.#later(() => {
      this.isFinished = true;
      this.listener!.dataFinished(`/shareable/${this.#metainfo.name}`);
    });
  }
}
