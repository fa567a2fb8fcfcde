import { canonicalAddress, type Endpoint, inZoneOf } from "../../protocol/endpoint.ts";
import { remoteAddress } from "../addresses/own_addresses.ts";

/** A transport between two peers: bytes in both directions, in order. */
export interface ByteStream {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Whether what is written and read is encrypted on its way. */
  readonly isEncrypted: boolean;
  /** Reads at least one byte into `into` and returns the count; null at the end. Rejects when the stream breaks. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes all of `from`, and may change its contents. Rejects when the stream breaks. */
  write(from: Uint8Array): Promise<void>;
  /** Ends both directions at once; pending reads and writes fail. May be called again. */
  close(): void;
}

/** A connection of the system as a byte stream. */
abstract class ConnectionStream implements ByteStream {
  abstract readonly remote: Endpoint;
  abstract readonly local: Endpoint;
  readonly isEncrypted = false;
  readonly #connection: Deno.TcpConn | Deno.UnixConn;
  #isClosed = false;
  /** Makes the write under way fail. */
  #failWrite: ((error: Error) => void) | undefined;

  constructor(connection: Deno.TcpConn | Deno.UnixConn) {
    this.#connection = connection;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#connection.read(into);
  }

  async write(from: Uint8Array): Promise<void> {
    let written = await this.#writeSome(from);
    while (written < from.length) written += await this.#writeSome(from.subarray(written));
  }

  /** Writes some bytes; fails at `close`, since in some versions of Deno a write outlives the connection otherwise. */
  #writeSome(from: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#failWrite = reject;
      this.#connection.write(from).then(resolve, reject);
    });
  }

  /** Ends our direction of the stream: nothing more will be written. */
  closeWrite(): Promise<void> {
    return this.#connection.closeWrite();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
    this.#failWrite?.(new Deno.errors.Interrupted("The stream was closed"));
  }
}

/** A TCP connection as a byte stream. */
export class TcpStream extends ConnectionStream {
  readonly remote: Endpoint;
  readonly local: Endpoint;

  /** `remote` is the endpoint that was dialled; undefined for a connection that was accepted. */
  constructor(connection: Deno.TcpConn, remote?: Endpoint) {
    super(connection);
    const { remoteAddr: from, localAddr: to } = connection;
    this.remote = remote ?? { address: remoteAddress(from.hostname, to.hostname), port: from.port };
    this.local = {
      address: inZoneOf(this.remote.address, canonicalAddress(to.hostname) ?? to.hostname),
      port: to.port,
    };
    // Requests are small and urgent, and blocks are written many at a time, so waiting to join writes gains nothing.
    connection.setNoDelay(true);
  }
}

/** A connection over a Unix socket as a byte stream. Both ends count as loopback, without a port. */
export class UnixStream extends ConnectionStream {
  readonly remote: Endpoint = { address: "127.0.0.1", port: 0 };
  readonly local: Endpoint = this.remote;
}

/** Fills `target` to the end; false when the stream ended before. */
export async function readFully(stream: ByteStream, target: Uint8Array): Promise<boolean> {
  for (let filled = 0; filled < target.length;) {
    const count = await stream.read(target.subarray(filled));
    if (count === null) return false;
    filled += count;
  }
  return true;
}
