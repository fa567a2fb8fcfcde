/** Orders that programs give a process, as many as they are to be a second, over HTTP and the control socket in turn. */
import { toUtf8 } from "../../lib/protocol/bytes.ts";

/** The ways to a process: its control socket, and its port with the token. */
export interface Doors {
  readonly socket: string;
  readonly port: number;
  readonly token: string;
}

/** The connections over which orders go, half of them of either kind. */
const LANES = 8;
const TURN_MS = 20;

/** Gives orders until it is disposed of. */
export class OrderGivers implements AsyncDisposable {
  readonly #doors: Doors;
  readonly #orders: readonly (readonly [path: string, body: string])[];
  readonly #perTurn: number;
  readonly #lanes: Promise<void>[];
  #isOver = false;
  /** Orders that were answered with 200, and all others. */
  done = 0;
  refused = 0;

  /** `orders` are given one after another, again and again, `perSecond` of them in all. */
  constructor(doors: Doors, orders: readonly (readonly [path: string, body: string])[], perSecond: number) {
    this.#doors = doors;
    this.#orders = orders;
    this.#perTurn = perSecond * TURN_MS / 1_000 / LANES;
    this.#lanes = Array.from({ length: LANES }, (_, lane) => this.#give(lane));
  }

  async #give(lane: number): Promise<void> {
    const { socket, port, token } = this.#doors;
    using connection = lane % 2 === 0
      ? await Deno.connect({ hostname: "127.0.0.1", port })
      : await Deno.connect({ transport: "unix", path: socket });
    const reply = new Uint8Array(64 * 1_024);
    const startedAt = performance.now();
    for (let given = 0; !this.#isOver; given++) {
      // As many as are due by now: one that was answered late does not make the others fewer.
      const dueAt = startedAt + given / this.#perTurn * TURN_MS;
      const early = dueAt - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const [path, body] = this.#orders[(given * LANES + lane) % this.#orders.length];
      await connection.write(toUtf8(
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n` +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      ));
      const read = await connection.read(reply);
      if (read === null) return;
      if (new TextDecoder().decode(reply.subarray(0, read)).startsWith("HTTP/1.1 200")) this.done++;
      else this.refused++;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
  }
}
