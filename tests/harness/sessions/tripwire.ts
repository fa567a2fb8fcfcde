import { setTimeout } from "node:timers/promises";

/** How long a call that was made may take to be noticed, in ms. */
const SETTLE_MS = 30;

/** A service of some other program on this machine, over TCP and UDP, that must never be called. */
export class Tripwire implements Disposable {
  readonly port: number;
  readonly #tcp: Deno.TcpListener;
  readonly #tcp6: Deno.TcpListener | undefined;
  readonly #udp: Deno.DatagramConn;
  #calls = 0;

  constructor() {
    this.#tcp = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    this.port = this.#tcp.addr.port;
    this.#udp = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: this.port });
    try {
      this.#tcp6 = Deno.listen({ hostname: "::1", port: this.port });
    } catch {
      // No IPv6 here, so nobody can call it by IPv6.
    }
    for (const tcp of [this.#tcp, this.#tcp6]) if (tcp !== undefined) this.#count(tcp);
    this.#count(this.#udp);
  }

  async #count(arrivals: AsyncIterable<Deno.TcpConn | [Uint8Array, Deno.Addr]>): Promise<void> {
    try {
      for await (const arrival of arrivals) {
        this.#calls++;
        if (!Array.isArray(arrival)) arrival.close();
      }
    } catch {
      // Closed.
    }
  }

  /** How often it was called until now. */
  async calls(): Promise<number> {
    await setTimeout(SETTLE_MS);
    return this.#calls;
  }

  [Symbol.dispose](): void {
    this.#tcp.close();
    this.#tcp6?.close();
    this.#udp.close();
  }
}
