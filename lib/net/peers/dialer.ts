import { messageOf, ProtocolError } from "../../errors.ts";
import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import { HANDSHAKE_LENGTH, parseHandshake } from "../../protocol/handshake.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { ConnectionOwner } from "../../swarm/connection_owner.ts";
import type { DialTarget } from "../../swarm/peers/known_peers.ts";
import { type ByteStream, readFully, TcpStream } from "./byte_stream.ts";
import type { Connections, Introduction } from "./connections.ts";
import { encryptOutgoing } from "./encrypted_stream.ts";
import { methodsFor, type Opening, openingsFor } from "./encryption.ts";

/** Connects to peers: the client half of the process. */
export class Dialer {
  readonly #connections: Connections;
  readonly #signal: AbortSignal;
  #dialling = 0;

  /** No dial begins or goes on after `signal` aborted. */
  constructor(connections: Connections, signal: AbortSignal) {
    this.#connections = connections;
    this.#signal = signal;
  }

  /** Dials what these swarms want dialled now, as far as the limits of the process allow. */
  dialAll(swarms: Iterable<ConnectionOwner>): void {
    for (const swarm of swarms) {
      if (this.#signal.aborted || !this.#connections.hasRoom) return;
      for (const target of swarm.takeDials(CONNECTIONS.dialling - this.#dialling)) {
        this.#connections.track(this.#dial(target, swarm));
      }
    }
  }

  /** Connects, and once more where the remote could not make sense of how we began. */
  async #dial(target: DialTarget, swarm: ConnectionOwner): Promise<void> {
    const endpoint: Endpoint = { address: target.address, port: target.port };
    for (const opening of openingsFor(this.#connections.surroundings.encryption, target)) {
      const stream = await this.#connect(endpoint);
      if (stream === undefined) break;
      const introduce = (stream: ByteStream) => this.#introduce(stream, swarm, opening);
      const outcome = await this.#connections.take(stream, false, introduce);
      if (outcome === "closed") return;
      if (outcome === "refused") break;
    }
    swarm.dialFailed(endpoint);
  }

  /** A connection to an endpoint; undefined when it cannot be reached. */
  async #connect(endpoint: Endpoint): Promise<ByteStream | undefined> {
    const { address: hostname, port } = endpoint;
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CONNECTIONS.dialTimeoutMs)]);
    this.#dialling++;
    try {
      return new TcpStream(await Deno.connect({ hostname, port, signal }), endpoint);
    } catch (error) {
      this.#connections.surroundings.log.debug(
        `cannot reach ${formatEndpoint(endpoint)}: ${messageOf(error)}`,
      );
      return undefined;
    } finally {
      this.#dialling--;
    }
  }

  /** Sends our handshake and reads the remote's. */
  async #introduce(raw: ByteStream, swarm: ConnectionOwner, opening: Opening): Promise<Introduction> {
    const stream = await this.#open(raw, swarm, opening);
    const bytes = new Uint8Array(HANDSHAKE_LENGTH);
    if (!await readFully(stream, bytes)) throw new Error("it closed the connection during the handshake");
    const remote = parseHandshake(bytes);
    if (remote === undefined) throw new ProtocolError("Expected a BitTorrent handshake");
    if (remote.infoHash !== swarm.infoHash) {
      throw new ProtocolError("Expected the same info-hash, got another");
    }
    return { stream, swarm, remote };
  }

  /** Sends our handshake, plain or inside that of MSE. */
  async #open(stream: ByteStream, swarm: ConnectionOwner, opening: Opening): Promise<ByteStream> {
    const handshake = this.#connections.handshakeFor(swarm);
    if (opening === "encrypted") {
      const methods = methodsFor(this.#connections.surroundings.encryption, stream.remote.address);
      return await encryptOutgoing(stream, swarm.infoHash, methods, handshake);
    }
    await stream.write(handshake);
    return stream;
  }
}
