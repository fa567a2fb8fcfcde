import { StorageError } from "../../../lib/errors.ts";
import { equalBytes } from "../../../lib/protocol/bytes.ts";
import { sha1 } from "../../../lib/protocol/info_hash.ts";
import { type Metainfo, pieceHash } from "../../../lib/protocol/metainfo.ts";
import type { PieceStorage, PieceStorageListener } from "../../../lib/swarm/ports.ts";

/** A disk in memory for one torrent. Faults are switches. */
export class MemoryStorage implements PieceStorage {
  /** Answers go here; set when the swarm exists. */
  listener: PieceStorageListener | undefined;
  /** The next commit fails as if the disk were full. */
  isFull = false;
  /** Runs a job later, in virtual time. */
  readonly #later: (job: () => void) => void;
  readonly #metainfo: Metainfo;
  readonly data: Uint8Array;
  /** Buffers that were taken and neither committed nor given back. */
  buffersOut = 0;
  isFinished = false;

  constructor(metainfo: Metainfo, data: Uint8Array | undefined, later: (job: () => void) => void) {
    this.#metainfo = metainfo;
    this.#later = later;
    this.data = data ?? new Uint8Array(metainfo.layout.totalLength);
  }

  takeBuffer(): Uint8Array<ArrayBuffer> {
    this.buffersOut++;
    return new Uint8Array(this.#metainfo.layout.pieceLength);
  }

  giveBuffer(): void {
    this.buffersOut--;
  }

  commit(index: number, buffer: Uint8Array<ArrayBuffer>): void {
    this.buffersOut--;
    this.#later(() => {
      const { layout } = this.#metainfo;
      const piece = buffer.subarray(0, layout.lengthOf(index));
      if (this.isFull) {
        this.listener!.storageFailed(new StorageError("No space left on device"));
      } else if (equalBytes(sha1(piece), pieceHash(this.#metainfo, index))) {
        this.data.set(piece, layout.offsetOf(index));
        this.listener!.pieceStored(index);
      } else {
        this.listener!.pieceCorrupt(index, buffer);
      }
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
