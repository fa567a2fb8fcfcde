/**
 * All connections of the process: their number, their clock and their end.
 *
 * Dialler and listener hand every stream to `introduce`, which runs the handshake within a deadline, asks the
 * swarm whether the peer is welcome, and then runs the connection until it closes.
 */
import { messageOf, ProtocolError } from "../../errors.ts";
import { formatEndpoint, withoutZone } from "../../protocol/endpoint.ts";
import { encodeHandshake, type Handshake } from "../../protocol/handshake.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { ConnectionOwner } from "../../swarm/connection_owner.ts";
import { ownAddresses } from "../addresses/own_addresses.ts";
import type { ByteStream } from "./byte_stream.ts";
import { type ConnectionResources, createResources, PeerConnection } from "./peer_connection.ts";

/** A stream after both handshakes, with the swarm that it belongs to. */
export interface Introduction {
  readonly stream: ByteStream;
  readonly swarm: ConnectionOwner;
  readonly remote: Handshake;
}

/** The end of a connection: its handshake failed, the swarm refused the peer, or it ran until it was closed. */
type Outcome = "failed" | "refused" | "closed";

/** All peer connections of the process. */
export class Connections {
  readonly surroundings: Surroundings;
  /** The resources that all connections share. */
  readonly resources: ConnectionResources;
  readonly #handshakeTimeoutMs: number;
  /** Connections that are up, the oldest first. */
  readonly #open = new Set<PeerConnection>();
  /** Streams whose handshake is under way. */
  readonly #introducing = new Set<ByteStream>();
  /** All handshakes under way and all connections. */
  readonly #running = new Set<Promise<void>>();
  readonly #ownAddresses: () => readonly string[];
  readonly #limit: number;
  /** Own addresses when they were looked at last, while there were connections. */
  #addressesBefore: readonly string[] = [];
  #isStopping = false;

  /**
   * `listAddresses` yields the own addresses there are now, canonical and without zones; `limit` is the most connections
   * of the process.
   */
  constructor(
    surroundings: Surroundings,
    handshakeTimeoutMs: number = CONNECTIONS.handshakeTimeoutMs,
    listAddresses: () => readonly string[] = ownAddresses,
    limit: number = CONNECTIONS.perProcess,
  ) {
    this.surroundings = surroundings;
    this.#ownAddresses = listAddresses;
    this.#limit = limit;
    this.resources = createResources(surroundings.now);
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
  }

  /** Connections, those whose handshake is under way included. */
  get count(): number {
    return this.#running.size;
  }

  /** Whether one more peer may connect to us, at least until its handshake is over. */
  get hasRoom(): boolean {
    return this.#running.size < this.#limit + CONNECTIONS.newcomersBeyond;
  }

  /** Whether we may make one more connection ourselves: some room is kept for peers that connect to us. */
  get hasRoomToDial(): boolean {
    return this.#running.size < this.#limit - CONNECTIONS.keptForNewcomers;
  }

  /** Closes the oldest idle connection if there are too many; false when there are, and all are in use. */
  #makeRoom(now: number): boolean {
    if (this.#running.size <= this.#limit) return true;
    const idle = this.#open.values().find((connection) => connection.isIdle(now));
    idle?.close("there are too many connections, and it made room");
    return idle !== undefined;
  }

  /** Our handshake for a swarm, 68 bytes. */
  handshakeFor(swarm: ConnectionOwner): Uint8Array {
    return encodeHandshake(swarm.infoHash, this.surroundings.peerId);
  }

  /**
   * Takes over a new stream. `introduce` runs the handshake and may reject; when it takes too long, the stream is
   * closed. Resolves when the connection is over; never rejects.
   */
  async take(
    stream: ByteStream,
    isIncoming: boolean,
    introduce: (stream: ByteStream) => Promise<Introduction>,
  ): Promise<Outcome> {
    if (this.#isStopping) {
      stream.close();
      return "failed";
    }
    const deadline = setTimeout(() => stream.close(), this.#handshakeTimeoutMs);
    this.#introducing.add(stream);
    let introduction: Introduction;
    try {
      introduction = await introduce(stream);
    } catch (error) {
      stream.close();
      const reason = error instanceof ProtocolError
        ? `it broke the protocol: ${error.message}`
        : messageOf(error);
      this.surroundings.log.info(`no connection with ${formatEndpoint(stream.remote)}: ${reason}`);
      return "failed";
    } finally {
      clearTimeout(deadline);
      this.#introducing.delete(stream);
    }
    return await this.#run(introduction, isIncoming);
  }

  async #run({ stream, swarm, remote }: Introduction, isIncoming: boolean): Promise<Outcome> {
    const { log, now } = this.surroundings;
    const since = now();
    const facts = {
      endpoint: stream.remote,
      localAddress: stream.local.address,
      peerId: remote.peerId,
      isIncoming,
      isEncrypted: stream.isEncrypted,
      supportsFast: remote.supportsFast,
      supportsExtensions: remote.supportsExtensions,
    };
    const name = formatEndpoint(stream.remote);
    const isBlocked = this.surroundings.isBlocked(stream.remote.address);
    const refusal = isBlocked
      ? "its address is blocked"
      : swarm.refusal(facts) ?? (this.#makeRoom(since) ? undefined : "too many connections");
    if (refusal !== undefined) {
      stream.close();
      log.debug(`connection with ${name} refused: ${refusal}`);
      return "refused";
    }
    const connection = new PeerConnection(stream, swarm, facts, this.resources);
    this.#open.add(connection);
    const reason = await connection.run();
    this.#open.delete(connection);
    log.debug(`connection with ${name} closed after ${((now() - since) / 1_000).toFixed(1)} s: ${reason}`);
    return "closed";
  }

  /** Counts a task that runs until a connection is over, so that `stop` can wait for it. */
  track(running: Promise<void>): void {
    this.#running.add(running);
    running.finally(() => this.#running.delete(running));
  }

  /** Sends keep-alives and ends dead connections; `now` in ms. Called about once a second. */
  tick(now: number): void {
    for (const connection of this.#open) connection.tick(now);
    this.#closeLost();
  }

  /** Closes connections with addresses that the user has blocked meanwhile. */
  closeBlocked(): void {
    for (const connection of this.#open) {
      if (this.surroundings.isBlocked(connection.remoteAddress)) connection.close("its address is blocked");
    }
    for (const stream of this.#introducing) {
      if (this.surroundings.isBlocked(stream.remote.address)) stream.close();
    }
  }

  /**
   * Closes connections whose own address this machine has no more: nothing comes over them again, and nobody says so.
   * An address counts as gone that was seen before, for some that are good are in no list, as most of 127.0.0.0/8.
   */
  #closeLost(): void {
    if (this.#running.size === 0) {
      this.#addressesBefore = [];
      return;
    }
    const present = this.#ownAddresses();
    const gone = new Set(this.#addressesBefore).difference(new Set(present));
    this.#addressesBefore = present;
    if (gone.size === 0) return;
    for (const connection of this.#open) {
      const { localAddress } = connection;
      if (gone.has(withoutZone(localAddress))) connection.close(`our address ${localAddress} is gone`);
    }
    for (const stream of this.#introducing) {
      if (gone.has(withoutZone(stream.local.address))) stream.close();
    }
  }

  /** Gives up handshakes under way, and resolves when the connections, which their swarms close, have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.resources.wakeBatch.stop();
    for (const stream of this.#introducing) stream.close();
    await Promise.all(this.#running);
  }
}
