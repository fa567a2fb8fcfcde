/** Swarms on real sockets of 127.0.0.1, with a disk in memory, and remotes that speak byte by byte. */
import assert from "node:assert/strict";
import { createLogger, LOG_LEVELS } from "../../../lib/log.ts";
import { readFully, TcpStream } from "../../../lib/net/peers/byte_stream.ts";
import { Connections } from "../../../lib/net/peers/connections.ts";
import { Dialer } from "../../../lib/net/peers/dialer.ts";
import { Listener } from "../../../lib/net/peers/listener.ts";
import type { RateLimiter } from "../../../lib/net/peers/rate_limiter.ts";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { encodeHandshake, HANDSHAKE_LENGTH } from "../../../lib/protocol/handshake.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { skeyHash } from "../../../lib/protocol/mse.ts";
import { PORTS, TICK_MS } from "../../../lib/settings.ts";
import type { Surroundings } from "../../../lib/surroundings.ts";
import { Policy } from "../../../lib/swarm/policy.ts";
import type { SwarmEvent } from "../../../lib/swarm/ports.ts";
import { Swarm } from "../../../lib/swarm/swarm.ts";
import { selectFiles } from "../data/selection.ts";
import { MemoryStorage } from "../virtual/memory_storage.ts";
import { ourIdOf } from "./remote_peers.ts";
import { noLimits, testSurroundings } from "./surroundings.ts";

const HOST = "127.0.0.1";

/** What differs from a node that just works. */
export interface NodeChanges extends Partial<Pick<Surroundings, "encryption">> {
  readonly uploadLimit?: RateLimiter | undefined;
  readonly downloadLimit?: RateLimiter | undefined;
  readonly handshakeTimeoutMs?: number;
  /** Own addresses there are now; those of this machine where left out. */
  readonly ownAddresses?: () => readonly string[];
  /** Most connections of the process. */
  readonly limit?: number;
  /** One repeated byte of its peer id. */
  readonly id?: number;
}

/** Everything between a swarm and its sockets; disposing of it stops it and asserts that nothing leaked. */
export class LoopbackNode {
  readonly swarm: Swarm;
  readonly storage: MemoryStorage;
  readonly connections: Connections;
  readonly listener: Listener;
  readonly dialer: Dialer;
  readonly events: SwarmEvent[] = [];
  /** Lines it logged. */
  readonly log: string[] = [];
  /** Added to its clock, in ms. */
  clockOffset = 0;
  readonly #stopping = new AbortController();
  readonly #listening: Promise<void>;

  /** `data`: what it has; null when nothing. */
  constructor(metainfo: Metainfo, data: Uint8Array | null, changes: NodeChanges = {}) {
    const { id = 100, handshakeTimeoutMs, uploadLimit, downloadLimit, encryption = "prefer" } = changes;
    const { pieceCount } = metainfo.layout;
    const surroundings = testSurroundings({
      peerId: ourIdOf(id),
      encryption,
      log: createLogger(LOG_LEVELS[3], (line) => this.log.push(line)),
      isOurselves: () => false,
      now: () => this.now,
    });
    this.connections = new Connections(surroundings, handshakeTimeoutMs, changes.ownAddresses, changes.limit);
    this.listener = new Listener({
      host: HOST,
      port: 0,
      ports: PORTS.peer,
      connections: this.connections,
      findSwarm: (infoHash) => infoHash === metainfo.infoHash ? this.swarm : undefined,
      findInfoHash: (hash) => hash === skeyHash(metainfo.infoHash) ? metainfo.infoHash : undefined,
    });
    this.storage = new MemoryStorage(metainfo, data?.slice(), queueMicrotask);
    this.swarm = new Swarm({
      metainfo,
      selection: selectFiles(metainfo),
      storage: this.storage,
      stored: data === null ? new Bitfield(pieceCount) : Bitfield.full(pieceCount),
      isFinished: data !== null,
      isAnnouncer: false,
      policy: new Policy(),
      limits: {
        upload: uploadLimit ?? noLimits.upload,
        download: downloadLimit ?? noLimits.download,
      },
      surroundings: { ...surroundings, listenPort: this.listener.port },
      totals: { uploaded: 0, downloaded: 0 },
      report: (event) => this.events.push(event),
      startedAt: this.now,
    });
    this.storage.listener = this.swarm;
    this.dialer = new Dialer(this.connections, this.#stopping.signal);
    this.#listening = this.listener.run(this.#stopping.signal);
  }

  /** Its clock, in ms. */
  get now(): number {
    return performance.now() + this.clockOffset;
  }

  get endpoint() {
    return { address: HOST, port: this.listener.port };
  }

  /** Why connections ended, oldest first. */
  get reasons(): string[] {
    return this.events.flatMap((event) => event.event === "disconnected" ? [event.reason] : []);
  }

  /** Hears of a port on this machine and dials it. */
  dial(port: number): void {
    this.swarm.addPeers([{ address: HOST, port }], "user");
    this.dialer.dialAll([this.swarm]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.swarm.stop();
    await Promise.all([this.#listening, this.connections.stop()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    const { sendBuffers, receiveBuffers } = this.connections.resources;
    assert.deepEqual([sendBuffers.taken, receiveBuffers.taken], [0, 0], "buffers that were not given back");
    assert.equal(this.connections.count, 0);
    assert.equal(this.swarm.connectionCount, 0);
  }
}

/** A remote that says what a test wants it to. */
export class RawPeer {
  readonly stream: TcpStream;

  constructor(connection: Deno.TcpConn) {
    this.stream = new TcpStream(connection);
  }

  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname: HOST, port }));
  }

  /** Connects, and shakes hands as the peer whose id is one repeated byte. */
  static async introduced(port: number, infoHash: InfoHash, id: number): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    await peer.shakeHands(infoHash, id);
    return peer;
  }

  /** Sends a handshake and reads the other one; false when there came none. */
  async shakeHands(infoHash: InfoHash, id: number): Promise<boolean> {
    await this.stream.write(encodeHandshake(infoHash, ourIdOf(id)));
    return await readFully(this.stream, new Uint8Array(HANDSHAKE_LENGTH));
  }

  /** Sends messages; whether they arrive is not its business. */
  async send(...messages: Uint8Array[]): Promise<void> {
    for (const message of messages) await this.stream.write(message).catch(() => {});
  }

  /** Reads until the other side closes, and returns how many bytes came. */
  async drain(): Promise<number> {
    const buffer = new Uint8Array(65_536);
    let total = 0;
    for (;;) {
      const count = await this.stream.read(buffer).catch(() => null);
      if (count === null) return total;
      total += count;
    }
  }

  [Symbol.dispose](): void {
    this.stream.close();
  }
}

/** Limits of time are so many times longer where one server of Wine answers each call of all programs. */
export const PATIENCE = Deno.build.os === "windows" ? 6 : 1;

/** Waits until something is so; fails after `limitMs` times `PATIENCE`. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 5_000,
): Promise<void> {
  const end = performance.now() + limitMs * PATIENCE;
  while (!await isSo()) {
    assert(performance.now() < end, `${what}: not within ${limitMs * PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets time pass for nodes until this is disposed of. */
export function ticking(...nodes: readonly LoopbackNode[]): Disposable {
  const timer = setInterval(() => {
    for (const { swarm, connections, dialer, now } of nodes) {
      swarm.tick(now);
      connections.tick(now);
      dialer.dialAll([swarm]);
    }
  }, TICK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
