import { StorageError } from "../../../lib/errors.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import type { PieceStorage, PieceStorageListener } from "../../../lib/swarm/ports.ts";
import { type SharedBytes, TorrentBytes } from "./shared_bytes.ts";

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
  /** All data, when it was there from the start. */
  readonly #original: Uint8Array | undefined;
  /** The pieces that were committed; the disks of several hosts share them. */
  readonly #pieces: (Uint8Array | undefined)[];
  /** Buffers that were taken and neither committed nor given back. */
  buffersOut = 0;
  isFinished = false;

  /** `data`: all data, when it is there from the start; `shared`: what the disks of several hosts have in common. */
  constructor(
    metainfo: Metainfo,
    data: Uint8Array | undefined,
    later: (job: () => void) => void,
    shared: SharedBytes = new TorrentBytes(metainfo),
  ) {
    this.#metainfo = metainfo;
    this.#later = later;
    this.#shared = shared;
    this.#original = data;
    this.#pieces = new Array(metainfo.layout.pieceCount);
  }

  /** All data, with zeros where a piece is missing. */
  get data(): Uint8Array {
    if (this.#original !== undefined) return this.#original;
    const { layout } = this.#metainfo;
    const data = new Uint8Array(layout.totalLength);
    this.#pieces.forEach((piece, index) => piece !== undefined && data.set(piece, layout.offsetOf(index)));
    return data;
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
      const piece = this.#shared.rightPiece(index, buffer.subarray(0, this.#metainfo.layout.lengthOf(index)));
      if (this.isFull) {
        this.listener!.storageFailed(new StorageError("No space left on device"));
      } else if (piece !== undefined) {
        this.#pieces[index] = piece;
        this.listener!.pieceStored(index);
      } else {
        this.listener!.pieceCorrupt(index, buffer);
      }
      this.#shared.give(buffer);
    });
  }

  readInto(index: number, begin: number, target: Uint8Array): void {
    const end = begin + target.length;
    const piece = this.#pieces[index];
    const offset = this.#metainfo.layout.offsetOf(index);
    target.set(piece?.subarray(begin, end) ?? this.#original!.subarray(offset + begin, offset + end));
  }

  /** The message that carries a stored block; valid until the next call. */
  blockMessage(index: number, begin: number, length: number): Uint8Array {
    const piece = this.#pieces[index];
    if (piece !== undefined) return this.#shared.blockMessage(index, begin, length, piece, begin);
    const offset = this.#metainfo.layout.offsetOf(index);
    return this.#shared.blockMessage(index, begin, length, this.#original!, offset + begin);
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
