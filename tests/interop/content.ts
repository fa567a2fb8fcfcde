/** Random files to share, their torrent, and the comparison at the other end. */
import { randomBytes } from "node:crypto";
import { concatBytes, equalBytes } from "../../lib/protocol/bytes.ts";
import { type InfoHash, infoHashOf, sha1 } from "../../lib/protocol/info_hash.ts";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { encodeInfo, encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import type { RunningProcess } from "../harness/processes/running_process.ts";

const MIB = 1024 * 1024;
const PIECE_LENGTH = 256 * 1024;
const POLL_MS = 200;

/** Data that is shared under one name: a file, or a folder of files. */
export class Content {
  readonly name: string;
  readonly infoHash: InfoHash;
  /** Bytes of all files. */
  readonly length: number;
  readonly #rawInfo: Uint8Array;
  readonly #files: readonly { readonly path: readonly string[]; readonly bytes: Uint8Array }[];

  /** `sizes` maps a path below the content's name (empty for the content itself) to a size in bytes. */
  constructor(name: string, sizes: Readonly<Record<string, number>>) {
    this.name = name;
    this.#files = Object.entries(sizes).map(([path, size]) => ({
      path: path.split("/").filter((part) => part !== ""),
      bytes: randomBytes(size),
    }));
    const files = this.#files.map(({ path, bytes }) => ({ path, length: bytes.length }));
    this.length = files.reduce((sum, { length }) => sum + length, 0);
    this.#rawInfo = encodeInfo(name, files, PIECE_LENGTH, concatBytes(...this.#pieces().map(sha1)), false);
    this.infoHash = infoHashOf(this.#rawInfo);
  }

  /** One file of 8 MiB and a bit, so that its last piece and its last block are short. */
  static singleFile(): Content {
    return new Content("single.bin", { "": 8 * MIB + 12_345 });
  }

  /** A folder with an empty file, folders in folders, and names beyond ASCII. */
  static folder(): Content {
    return new Content("Sammlung für élèves", {
      "größe.bin": 3 * MIB + 1,
      "empty.txt": 0,
      "資料/第一章.bin": 2 * MIB,
      "資料/далее/🧲.bin": 70_000,
      "last one.bin": 5,
    });
  }

  /** Writes the `.torrent` file; each announce URL is a tier of its own. */
  async writeTorrent(path: string, announce: readonly string[]): Promise<void> {
    await Deno.writeFile(
      path,
      encodeMetainfo(this.#rawInfo, { announceTiers: announce.map((url) => [url]) }),
    );
  }

  /** A magnet link with these announce URLs. */
  magnet(announce: readonly string[]): string {
    return formatMagnet({ infoHash: this.infoHash, name: this.name, trackers: announce });
  }

  /** Writes the data itself into `folder`. */
  async writeData(folder: string): Promise<void> {
    await this.#write(folder, concatBytes(...this.#pieces()));
  }

  /** Writes a damaged copy into `folder`, in which every other piece is wrong. */
  async writeHalf(folder: string): Promise<void> {
    const pieces = this.#pieces().map((piece, index) =>
      index % 2 === 0 ? piece : new Uint8Array(piece.length)
    );
    await this.#write(folder, concatBytes(...pieces));
  }

  async #write(folder: string, all: Uint8Array): Promise<void> {
    let begin = 0;
    for (const { path, bytes: { length } } of this.#files) {
      const parts = [folder, this.name, ...path];
      await Deno.mkdir(parts.slice(0, -1).join("/"), { recursive: true });
      await Deno.writeFile(parts.join("/"), all.subarray(begin, begin += length));
    }
  }

  /**
   * Waits until `folder` holds the data byte for byte; empty files may be missing when `omitsEmptyFiles`.
   *
   * Errors: `Error` with the first difference, and the last output of `processes`, when it took longer than
   * `timeoutMs` or one of them ended.
   */
  async arrivesIn(
    folder: string,
    timeoutMs: number,
    processes: readonly RunningProcess[],
    omitsEmptyFiles = false,
  ): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const difference = await this.#differenceIn(folder, omitsEmptyFiles);
      if (difference === undefined) return;
      const hasEnded = processes.some(({ exitCode }) => exitCode !== undefined);
      if (hasEnded || performance.now() > deadline) {
        const outputs = processes.map(({ command, exitCode, tail }) =>
          `--- ${command} (${exitCode === undefined ? "running" : `exit code ${exitCode}`})\n${tail}`
        );
        throw new Error(
          [`Expected all data within ${timeoutMs / 1000} s, got: ${difference}`, ...outputs].join("\n"),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #differenceIn(folder: string, omitsEmptyFiles: boolean): Promise<string | undefined> {
    for (const { path, bytes } of this.#files) {
      if (omitsEmptyFiles && bytes.length === 0) continue;
      const name = [this.name, ...path].join("/");
      try {
        const info = await Deno.stat(`${folder}/${name}`);
        if (info.size !== bytes.length) return `${name} has ${info.size} of ${bytes.length} bytes`;
        if (!equalBytes(await Deno.readFile(`${folder}/${name}`), bytes)) return `${name} has wrong bytes`;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return `${name} does not exist`;
        throw error;
      }
    }
    return undefined;
  }

  /** How many bytes the pieces have that are not whole in `folder`; files there may be missing or short. */
  async bytesMissingIn(folder: string): Promise<number> {
    const found = await Promise.all(this.#files.map(async ({ path, bytes }) => {
      const start = await readIfThere([folder, this.name, ...path].join("/"));
      return concatBytes(start, new Uint8Array(bytes.length)).subarray(0, bytes.length);
    }));
    const foundPieces = piecesOf(concatBytes(...found));
    const wrong = this.#pieces().filter((piece, index) => !equalBytes(piece, foundPieces[index]));
    return wrong.reduce((sum, { length }) => sum + length, 0);
  }

  #pieces(): Uint8Array[] {
    return piecesOf(concatBytes(...this.#files.map(({ bytes }) => bytes)));
  }
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const count = Math.ceil(bytes.length / PIECE_LENGTH);
  return Array.from(
    { length: count },
    (_, index) => bytes.subarray(index * PIECE_LENGTH, (index + 1) * PIECE_LENGTH),
  );
}

/** What a file holds; nothing when it does not exist. */
async function readIfThere(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}
