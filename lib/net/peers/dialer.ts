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

/** A dial under way, until its handshake is over. */
interface Dial {
  /** When the dial began, in ms. */
  readonly since: number;
  /** Ends the dial early. */
  readonly ending: AbortController;
}

/** Connects to peers: the client half of the process. */
export class Dialer {
  readonly #connections: Connections;
  readonly #signal: AbortSignal;
  /** Dials under way, oldest first. */
  readonly #dials = new Set<Dial>();

  /** No dial begins or goes on after `signal` has aborted. */
  constructor(connections: Connections, signal: AbortSignal) {
    this.#connections = connections;
    this.#signal = signal;
  }

  /** Dials the peers that these swarms want to dial now, as far as the limits of the process allow. */
  dialAll(swarms: Iterable<ConnectionOwner>): void {
    for (const swarm of swarms) {
      if (this.#signal.aborted || !this.#connections.hasRoomToDial) return;
      const free = CONNECTIONS.dialling - this.#dials.size;
      const overdue = this.#overdue();
      const targets = swarm.takeDials(free + overdue.length);
      for (const dial of overdue.slice(0, Math.max(targets.length - free, 0))) this.#giveUp(dial);
      for (const target of targets) this.#connections.track(this.#dial(target, swarm));
    }
  }

  /** Dials that have lasted longer than a dial needs, oldest first: some hosts accept and then send nothing. */
  #overdue(): Dial[] {
    const since = this.#connections.surroundings.now() - CONNECTIONS.dialPatienceMs;
    return [...this.#dials].filter((dial) => dial.since <= since);
  }

  #giveUp(dial: Dial): void {
    this.#dials.delete(dial);
    dial.ending.abort();
  }

  /** Connects, and connects once more where the remote did not understand our opening. */
  async #dial(target: DialTarget, swarm: ConnectionOwner): Promise<void> {
    const endpoint: Endpoint = { address: target.address, port: target.port };
    const { encryption, now } = this.#connections.surroundings;
    const dial = { since: now(), ending: new AbortController() };
    const { signal } = dial.ending;
    this.#dials.add(dial);
    for (const opening of openingsFor(encryption, target)) {
      const stream = await this.#connect(endpoint, signal);
      if (stream === undefined) break;
      const close = () => stream.close();
      signal.addEventListener("abort", close);
      const outcome = await this.#connections.take(stream, false, async (stream) => {
        const introduction = await this.#introduce(stream, swarm, opening);
        signal.removeEventListener("abort", close);
        this.#dials.delete(dial);
        return introduction;
      });
      if (outcome === "closed") return;
      if (outcome === "refused" || signal.aborted) break;
    }
    this.#dials.delete(dial);
    swarm.dialFailed(endpoint);
  }

  /** Connects to an endpoint; undefined when that fails, or does not succeed before `ending` aborts. */
  async #connect(endpoint: Endpoint, ending: AbortSignal): Promise<ByteStream | undefined> {
    const { address: hostname, port } = endpoint;
    const timeout = AbortSignal.timeout(CONNECTIONS.dialTimeoutMs);
    const signal = AbortSignal.any([this.#signal, ending, timeout]);
    try {
      return new TcpStream(await Deno.connect({ hostname, port, signal }), endpoint);
    } catch (error) {
      this.#connections.surroundings.log.debug(
        `cannot reach ${formatEndpoint(endpoint)}: ${messageOf(error)}`,
      );
      return undefined;
    }
  }

  /** Sends our handshake and reads the remote's. Errors: `ProtocolError`; `Error` where the remote closes. */
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
