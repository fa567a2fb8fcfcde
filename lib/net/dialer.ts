import { messageOf, ProtocolError } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../protocol/endpoint.ts";
import { HANDSHAKE_LENGTH, parseHandshake } from "../protocol/handshake.ts";
import { CONNECTIONS } from "../settings.ts";
import type { Swarm } from "../swarm/swarm.ts";
import { type ByteStream, readFully, TcpStream } from "./byte_stream.ts";
import type { Connections, Introduction } from "./connections.ts";

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
  dialAll(swarms: Iterable<Swarm>): void {
    for (const swarm of swarms) {
      if (this.#signal.aborted || !this.#connections.hasRoom) return;
      for (const endpoint of swarm.takeDials(CONNECTIONS.dialling - this.#dialling)) {
        this.#connections.track(this.#dial(endpoint, swarm));
      }
    }
  }

  async #dial(endpoint: Endpoint, swarm: Swarm): Promise<void> {
    this.#dialling++;
    let stream: ByteStream;
    try {
      stream = await this.#connect(endpoint);
    } catch (error) {
      this.#connections.options.log.debug(`cannot reach ${formatEndpoint(endpoint)}: ${messageOf(error)}`);
      return swarm.dialFailed(endpoint);
    } finally {
      this.#dialling--;
    }
    const succeeded = await this.#connections.take(stream, false, (stream) => this.#introduce(stream, swarm));
    if (!succeeded) swarm.dialFailed(endpoint);
  }

  async #connect({ address, port }: Endpoint): Promise<ByteStream> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(CONNECTIONS.dialTimeoutMs)]);
    return new TcpStream(await Deno.connect({ hostname: address, port, signal }));
  }

  /** Sends our handshake and reads the remote's. */
  async #introduce(stream: ByteStream, swarm: Swarm): Promise<Introduction> {
    await stream.write(this.#connections.handshakeFor(swarm));
    const bytes = new Uint8Array(HANDSHAKE_LENGTH);
    if (!await readFully(stream, bytes)) throw new Error("it closed the connection during the handshake");
    const remote = parseHandshake(bytes);
    if (remote === undefined) throw new ProtocolError("Expected a BitTorrent handshake");
    if (remote.infoHash !== swarm.infoHash) {
      throw new ProtocolError("Expected the same info-hash, got another");
    }
    return { stream, swarm, remote };
  }
}
