import { ProtocolError } from "../../errors.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { HANDSHAKE_LENGTH, parseHandshake, PROTOCOL_HEADER } from "../../protocol/handshake.ts";
import { formatEndpoint } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { SkeyLookup } from "../../protocol/mse.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { ConnectionOwner } from "../../swarm/connection_owner.ts";
import { acceptConnections } from "./accept_loop.ts";
import { type ByteStream, readFully, TcpStream } from "./byte_stream.ts";
import type { Connections, Introduction } from "./connections.ts";
import { acceptEncrypted } from "./encrypted_stream.ts";
import { accepts, methodsFor } from "./encryption.ts";
import { openOnFreePort, openOnHost, type PortRange } from "../addresses/free_port.ts";

/** Where a `Listener` listens, and how it finds swarms. */
interface ListenerOptions {
  /** Address to listen on; undefined stands for all, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** Port that the user named, 0 for any free one; undefined stands for the first free one of `ports`. */
  readonly port: number | undefined;
  readonly ports: PortRange;
  readonly connections: Connections;
  /** The swarm of an info-hash; undefined when we have no such torrent. */
  findSwarm(infoHash: InfoHash): ConnectionOwner | undefined;
  /** The info-hash that an encrypted handshake names by its `skeyHash`. */
  readonly findInfoHash: SkeyLookup;
}

/** Accepts peers: the server half of the process. */
export class Listener {
  /** The port listened on. */
  readonly port: number;
  readonly #options: ListenerOptions;
  readonly #listening: readonly Deno.TcpListener[];
  /** Accepted connections whose handshake is under way, oldest first. */
  readonly #handshaking = new Set<ByteStream>();

  /** Listens at once. Errors: `Error` "port N is in use". */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#listening = openOnFreePort(options.port, options.ports, (port) =>
      openOnHost(
        options.host,
        port,
        (hostname, port) => Deno.listen({ hostname, port }),
        (listening) => listening.addr.port,
      ));
    this.port = this.#listening[0].addr.port;
  }

  /** Accepts until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const close = () => this.#listening.forEach((listening) => listening.close());
    signal.addEventListener("abort", close, { once: true });
    const { log } = this.#options.connections.surroundings;
    const take = (connection: Deno.TcpConn) => this.#take(connection);
    await acceptConnections(this.#listening, { take, signal, log, name: "peer listener" });
  }

  #take(connection: Deno.TcpConn): void {
    const { connections } = this.#options;
    if (!connections.hasRoom) {
      if (this.#handshaking.size === 0) return connection.close();
      this.#giveUpOne();
    }
    const stream = new TcpStream(connection);
    if (connections.surroundings.isBlocked(stream.remote.address)) {
      connections.surroundings.log.debug(
        `connection with ${formatEndpoint(stream.remote)} refused: its address is blocked`,
      );
      return stream.close();
    }
    if (this.#handshaking.size >= CONNECTIONS.handshaking) this.#giveUpOne();
    this.#handshaking.add(stream);
    const taken = connections.take(stream, true, async (stream) => {
      try {
        return await this.#introduce(stream);
      } finally {
        this.#handshaking.delete(stream);
      }
    });
    connections.track(taken.then(() => {}));
  }

  /**
   * Makes room for one more handshake: gives up the oldest one of the address that has most of them under way. An
   * honest peer finishes in a moment; peers that only connect must not keep all others out.
   */
  #giveUpOne(): void {
    const byAddress = Map.groupBy(this.#handshaking, ({ remote }) => remote.address);
    const [oldest] = [...byAddress.values()].reduce((most, streams) =>
      streams.length > most.length ? streams : most
    );
    this.#handshaking.delete(oldest);
    oldest.close();
  }

  /** Tells a plain opening by its first bytes from an encrypted one, whose bytes look random. */
  async #introduce(stream: ByteStream): Promise<Introduction> {
    const { connections, findInfoHash } = this.#options;
    const { encryption } = connections.surroundings;
    const header = new Uint8Array(PROTOCOL_HEADER.length);
    if (!await readFully(stream, header)) throw new ProtocolError("Expected a handshake, got the end");
    const opening = equalBytes(header, PROTOCOL_HEADER) ? "plain" : "encrypted";
    if (!accepts(encryption, opening)) {
      throw new ProtocolError(`Expected no ${opening} handshake, as the user wants it, got one`);
    }
    if (opening === "plain") return await this.#answer(stream, header);
    const methods = methodsFor(encryption, stream.remote.address);
    const encrypted = await acceptEncrypted(stream, header, findInfoHash, methods);
    const introduction = await this.#answer(encrypted.stream, new Uint8Array());
    if (introduction.remote.infoHash !== encrypted.infoHash) {
      throw new ProtocolError("Expected the info-hash that the encryption is for, got another");
    }
    return introduction;
  }

  /** Reads the rest of the remote's handshake, finds the swarm and answers with ours. */
  async #answer(stream: ByteStream, firstBytes: Uint8Array): Promise<Introduction> {
    const bytes = new Uint8Array(HANDSHAKE_LENGTH);
    bytes.set(firstBytes);
    if (!await readFully(stream, bytes.subarray(firstBytes.length))) {
      throw new ProtocolError("Expected a whole handshake, got the end");
    }
    const remote = parseHandshake(bytes);
    if (remote === undefined) throw new ProtocolError("Expected a BitTorrent handshake, got something else");
    const swarm = this.#options.findSwarm(remote.infoHash);
    if (swarm === undefined) throw new ProtocolError(`Expected an info-hash of ours, got ${remote.infoHash}`);
    await stream.write(this.#options.connections.handshakeFor(swarm));
    return { stream, swarm, remote };
  }
}
