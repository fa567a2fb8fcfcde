/**
 * The least a BitTorrent transfer between two Deno processes must do, without BitTorrent:
 *
 *     file -> read -> socket write  ~~ TCP ~~  socket read -> SHA-1 and positioned write (worker) -> file
 *
 *     deno run limit_pipe.ts send FILE ADDRESS:PORT       says "listening"; serves one connection
 *     deno run limit_pipe.ts receive FILE ADDRESS:PORT    says "receiving" when connected, then "complete"
 */
import { MIB } from "./test_file.ts";

/** One write to the socket and one read from it, as in our own program. */
const TRANSFER_BYTES = MIB / 2;
/** What is hashed and written at once. */
const PIECE_BYTES = MIB;
/** Pieces at the worker before the socket waits. */
const MAX_UNDER_WAY = 8;

async function send(path: string, endpoint: Deno.ConnectOptions): Promise<void> {
  using listener = Deno.listen(endpoint);
  console.log("listening");
  using connection = await listener.accept();
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(TRANSFER_BYTES);
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    let rest = buffer.subarray(0, count);
    while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
  }
  await connection.closeWrite();
  // Stays, as a seeder does, until the receiver leaves.
  await connection.read(buffer);
}

async function receive(path: string, endpoint: Deno.ConnectOptions): Promise<void> {
  const worker = new Worker(new URL("./limit_worker.ts", import.meta.url), { type: "module" });
  worker.postMessage({ path });
  const idle = Array.from({ length: MAX_UNDER_WAY }, () => new Uint8Array(PIECE_BYTES));
  let whenIdle = Promise.withResolvers<void>();
  worker.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) => {
    idle.push(data);
    whenIdle.resolve();
  };
  const takeIdle = async () => {
    while (idle.length === 0) {
      whenIdle = Promise.withResolvers();
      await whenIdle.promise;
    }
    return idle.pop()!;
  };

  using connection = await Deno.connect(endpoint);
  console.log("receiving");
  let position = 0, isOpen = true;
  while (isOpen) {
    const piece = await takeIdle();
    let filled = 0;
    while (filled < piece.length) {
      const count = await connection.read(piece.subarray(filled, filled + TRANSFER_BYTES));
      isOpen = count !== null;
      if (count === null) break;
      filled += count;
    }
    worker.postMessage({ piece, filled, position }, [piece.buffer]);
    position += filled;
  }
  for (let i = 0; i < MAX_UNDER_WAY; i++) await takeIdle();
  console.log("complete");
  // Stays, as a client does that has become a seeder, until it is stopped.
  await new Promise(() => {});
}

if (import.meta.main) {
  const [mode, path, endpoint] = Deno.args;
  const [hostname, port] = endpoint.split(":");
  await (mode === "send" ? send : receive)(path, { hostname, port: Number(port) });
}
