/**
 * Announces to a tracker over raw TCP as fast as it answers, and says how fast that was:
 *
 *     deno run announce_load.ts '{"hostname": …, "port": …, "connections": …, "seconds": …, "keepAlive": …, …}'
 *
 * Each connection has one announce under way at any time. First every peer announces once, uncounted.
 */

/** What to do, as JSON in the first argument. */
export interface LoadPlan {
  readonly hostname: string;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Several announces on a connection, or a connection for each. */
  readonly keepAlive: boolean;
  /** Hex digits. */
  readonly infoHashes: readonly string[];
  /** Peers in all swarms together. */
  readonly peers: number;
}

/** What came of it, as JSON on standard output. */
export interface LoadResult {
  readonly announcesPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Connections opened in the measured time. */
  readonly opened: number;
}

const HEADER_END = "\r\n\r\n";
const REPLY_BYTES = 64 * 1024;
const text = new TextDecoder("latin1");

/** The bytes of one announce for each peer. */
function requestsOf(plan: LoadPlan): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder();
  return Array.from({ length: plan.peers }, (_, i) => {
    const infoHash = plan.infoHashes[i % plan.infoHashes.length].replaceAll(/../g, "%$&");
    const query = `info_hash=${infoHash}&peer_id=-BN0000-${String(i).padStart(12, "0")}` +
      `&port=${1024 + i}&uploaded=0&downloaded=0&left=${i % 2}&compact=1&numwant=50`;
    const connection = plan.keepAlive ? "keep-alive" : "close";
    return encoder.encode(
      `GET /announce?${query} HTTP/1.1\r\nHost: ${plan.hostname}:${plan.port}\r\nConnection: ${connection}${HEADER_END}`,
    );
  });
}

type ConnectionState = "open" | "closed" | "nothing came";

/** One connection's worth of announces. */
class Announcer {
  opened = 0;
  readonly #plan: LoadPlan;
  readonly #reply = new Uint8Array(REPLY_BYTES);
  #connection: Deno.TcpConn | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
  }

  /** Announces once. Errors: `Error` when the tracker refuses. */
  async announce(request: Uint8Array<ArrayBuffer>): Promise<void> {
    const isReused = this.#connection !== undefined;
    this.#connection ??= await this.#open();
    const state = await this.#exchange(this.#connection, request);
    if (state !== "open" || !this.#plan.keepAlive) this.close();
    if (state !== "nothing came") return;
    // A tracker may close a connection that it does not want to keep, without a word.
    if (!isReused) throw new Error("Expected a reply, got the end of the connection");
    await this.announce(request);
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #open(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect(this.#plan);
    connection.setNoDelay();
    this.opened++;
    return connection;
  }

  async #exchange(connection: Deno.TcpConn, request: Uint8Array<ArrayBuffer>): Promise<ConnectionState> {
    try {
      await connection.write(request);
      return await this.#readReply(connection);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) {
        throw error;
      }
      return "nothing came";
    }
  }

  /** Reads a whole reply and says what the connection is after it. */
  async #readReply(connection: Deno.TcpConn): Promise<ConnectionState> {
    for (let filled = 0;;) {
      const count = await connection.read(this.#reply.subarray(filled));
      if (count === null && filled === 0) return "nothing came";
      filled += count ?? 0;
      const received = text.decode(this.#reply.subarray(0, filled));
      const headerEnd = received.indexOf(HEADER_END);
      const length = /\r\nContent-Length: *(\d+)/i.exec(received)?.[1];
      if (
        headerEnd >= 0 && length !== undefined && filled >= headerEnd + HEADER_END.length + Number(length)
      ) {
        if (!received.includes("5:peers")) throw new Error(`Expected peers, got ${received}`);
        return /^HTTP\/1\.0|\r\nConnection: *close/i.test(received) ? "closed" : "open";
      }
      if (count === null) throw new Error(`Expected a whole reply, got ${JSON.stringify(received)}`);
    }
  }
}

async function load(plan: LoadPlan): Promise<LoadResult> {
  const requests = requestsOf(plan);
  const announcers = Array.from({ length: plan.connections }, () => new Announcer(plan));
  let next = 0;
  await Promise.all(announcers.map(async (announcer) => {
    while (next < requests.length) await announcer.announce(requests[next++]);
    announcer.opened = 0;
  }));

  const times: number[] = [];
  const begin = performance.now();
  const end = begin + plan.seconds * 1000;
  await Promise.all(announcers.map(async (announcer) => {
    for (let now = performance.now(); now < end;) {
      await announcer.announce(requests[Math.floor(Math.random() * requests.length)]);
      const after = performance.now();
      times.push(after - now);
      now = after;
    }
    announcer.close();
  }));
  const seconds = (performance.now() - begin) / 1000;
  times.sort((a, b) => a - b);
  return {
    announcesPerSecond: times.length / seconds,
    medianMs: times[Math.floor(times.length * 0.5)],
    p99Ms: times[Math.floor(times.length * 0.99)],
    opened: announcers.reduce((sum, { opened }) => sum + opened, 0),
  };
}

if (import.meta.main) console.log(JSON.stringify(await load(JSON.parse(Deno.args[0]))));
