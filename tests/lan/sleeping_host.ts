/** A host that is switched off, as far as its network card is concerned: it waits for the packet that wakes it. */
import assert from "node:assert/strict";
import { linesOf } from "../harness/processes/lines.ts";
import type { Lan } from "./namespaces.ts";

/** Tells the hardware address of its host, and then the first datagram at the port of wake packets. */
const HEAR_WAKE_PACKET =
  `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 9 });
   console.log(Deno.networkInterfaces().find(({ name }) => name === "eth0").mac);
   console.log((await socket.receive())[0].toHex()); Deno.exit();`;

/** One of a LAN. */
export class SleepingHost {
  readonly #lines: AsyncIterator<string>;
  readonly #mac: string;
  readonly #status: Promise<unknown>;

  private constructor(lines: AsyncIterator<string>, mac: string, status: Promise<unknown>) {
    this.#lines = lines;
    this.#mac = mac;
    this.#status = status;
  }

  /** Resolves when the host listens. */
  static async on(lan: Lan, host: number): Promise<SleepingHost> {
    const args = ["eval", "--unstable-net", HEAR_WAKE_PACKET];
    const hearing = lan.spawn(host, Deno.execPath(), args, { stdin: "null", stdout: "piped" });
    const lines = linesOf(hearing.stdout);
    const { value: mac } = await lines.next();
    return new SleepingHost(lines, mac!.replaceAll(":", ""), hearing.status);
  }

  /** Resolves when a packet has come, and it was the right one for this host. */
  async isWoken(): Promise<void> {
    const { value: packet } = await this.#lines.next();
    assert.equal(packet, "ff".repeat(6) + this.#mac.repeat(16));
    await this.#status;
  }
}
