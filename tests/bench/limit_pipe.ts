/**
 * The least a BitTorrent transfer between two Deno processes must do, without BitTorrent:
 *
 *     file -> read -> socket write  ~~ TCP ~~  socket read -> SHA-1 and positioned write -> file
 *
 *     deno run limit_pipe.ts send FILE ADDRESS:PORT [WAY]       says "listening"; serves every connection
 *     deno run limit_pipe.ts receive FILE ADDRESS:PORT [WAY]    says "receiving" when connected, then "complete"
 *
 * `WAY` is a `PipeWay` as JSON: another way to do it than our own program's.
 */
import { createHash } from "node:crypto";
import { open, openSync, write, writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { TRANSFER } from "../../lib/settings.ts";
import { KIB, MIB } from "./test_file.ts";

/** How the pipe works. */
export interface PipeWay {
  /** One write to a socket. */
  readonly writeBytes: number;
  /** One read from it. */
  readonly readBytes: number;
  /** Whether the file is read asynchronously. */
  readonly readsAsync: boolean;
  /** Who hashes and writes. */
  readonly sink: keyof typeof SINKS;
}

/** As our own program does it while it needs more than one core. */
export const OUR_WAY: PipeWay = {
  writeBytes: TRANSFER.sendBufferBytes,
  readBytes: TRANSFER.sourceReceiveBufferBytes,
  readsAsync: false,
  sink: "worker",
};

/** Its sizes, for reports. */
export const OUR_SIZES = `${Math.round(OUR_WAY.writeBytes / KIB)} KiB a write, ${
  OUR_WAY.readBytes / KIB
} KiB a read`;

/** What is hashed and written at once. */
const PIECE_BYTES = MIB;
/** The sender begins in turn at so many places of the file: a swarm, too, reads everything anew for each receiver. */
const PLACES = 4;
/** Pieces at the sink before the socket waits. */
const MAX_UNDER_WAY = 8;
/** Longer than any measurement. */
const STAY_MS = 3_600_000;

/** Hashes and writes the first `filled` bytes of a piece, and returns its memory. */
type Sink = (
  piece: Uint8Array<ArrayBuffer>,
  filled: number,
  position: number,
) => Promise<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>;

const SINKS = {
  worker: (path: string): Sink => workerSink(path),
  "two workers": (path: string): Sink => {
    const workers = [workerSink(path), workerSink(path)];
    let pieces = 0;
    return (...piece) => workers[pieces++ % 2](...piece);
  },
  "main thread": (path: string): Sink => {
    const file = openSync(path, "w");
    return (piece, filled, position) => {
      createHash("sha1").update(piece.subarray(0, filled)).digest();
      writeFully(file, piece, filled, position);
      return piece;
    };
  },
  "subtle.digest, write on the main thread": (path: string): Sink => {
    const file = openSync(path, "w");
    return async (piece, filled, position) => {
      await crypto.subtle.digest("SHA-1", piece.subarray(0, filled));
      writeFully(file, piece, filled, position);
      return piece;
    };
  },
  "subtle.digest, asynchronous write": (path: string): Sink => {
    const file = promisify(open)(path, "w");
    const writing = promisify(write);
    return async (piece, filled, position) => {
      await crypto.subtle.digest("SHA-1", piece.subarray(0, filled));
      for (let written = 0; written < filled;) {
        written += await writing(
          await file,
          piece,
          written,
          filled - written,
          position + written,
        ) as unknown as number;
      }
      return piece;
    };
  },
};

/** A worker of its own for each sink; pieces are transferred both ways. */
function workerSink(path: string): Sink {
  const worker = new Worker(new URL("./limit_worker.ts", import.meta.url), { type: "module" });
  worker.postMessage({ path });
  const waiting: ((piece: Uint8Array<ArrayBuffer>) => void)[] = [];
  worker.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) => waiting.shift()!(data);
  return (piece, filled, position) => {
    worker.postMessage({ piece, filled, position }, [piece.buffer]);
    return new Promise((resolve) => waiting.push(resolve));
  };
}

function writeFully(file: number, piece: Uint8Array, filled: number, position: number): void {
  for (let written = 0; written < filled;) {
    written += writeSync(file, piece, written, filled - written, position + written);
  }
}

async function send(path: string, endpoint: Deno.ConnectOptions, way: PipeWay): Promise<void> {
  using listener = Deno.listen(endpoint);
  console.log("listening");
  const serving: Promise<void>[] = [];
  for await (const connection of listener) {
    serving.push(serve(connection, path, serving.length % PLACES / PLACES, way));
  }
  await Promise.all(serving);
}

/** Sends a file from a place on, a share of its length, and then what stands before. */
async function serve(remote: Deno.Conn, path: string, from: number, way: PipeWay): Promise<void> {
  using connection = remote;
  using file = Deno.openSync(path);
  const { size } = file.statSync();
  const buffer = new Uint8Array(way.writeBytes);
  let left = size;
  file.seekSync(Math.floor(from * size), Deno.SeekMode.Start);
  while (left > 0) {
    const part = buffer.subarray(0, Math.min(left, buffer.length));
    const count = way.readsAsync ? await file.read(part) : file.readSync(part);
    if (count === null) {
      file.seekSync(0, Deno.SeekMode.Start);
      continue;
    }
    left -= count;
    let rest = part.subarray(0, count);
    while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
  }
  await connection.closeWrite();
  // Stays, as a seeder does, until the receiver leaves.
  await connection.read(buffer);
}

async function receive(path: string, endpoint: Deno.ConnectOptions, way: PipeWay): Promise<void> {
  Deno.createSync(path).close();
  const sink = SINKS[way.sink](path);
  const idle = Array.from({ length: MAX_UNDER_WAY }, () => new Uint8Array(PIECE_BYTES));
  let whenIdle = Promise.withResolvers<void>();
  const takeIdle = async () => {
    while (idle.length === 0) {
      whenIdle = Promise.withResolvers();
      await whenIdle.promise;
    }
    return idle.pop()!;
  };
  const store = async (piece: Uint8Array<ArrayBuffer>, filled: number, position: number) => {
    idle.push(await sink(piece, filled, position));
    whenIdle.resolve();
  };

  using connection = await Deno.connect(endpoint);
  console.log("receiving");
  let position = 0, isOpen = true;
  while (isOpen) {
    const piece = await takeIdle();
    let filled = 0;
    while (filled < piece.length) {
      const count = await connection.read(piece.subarray(filled, filled + way.readBytes));
      isOpen = count !== null;
      if (count === null) break;
      filled += count;
    }
    store(piece, filled, position);
    position += filled;
  }
  for (let i = 0; i < MAX_UNDER_WAY; i++) await takeIdle();
  console.log("complete");
  // Stays, as a client does that has become a seeder, until it is stopped.
  await pause(STAY_MS);
}

if (import.meta.main) {
  const [mode, path, endpoint, way] = Deno.args;
  const [hostname, port] = endpoint.split(":");
  const run = mode === "send" ? send : receive;
  await run(path, { hostname, port: Number(port) }, way === undefined ? OUR_WAY : JSON.parse(way));
}
