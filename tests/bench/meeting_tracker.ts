import { encode } from "../../lib/protocol/bencode.ts";

/** Seconds between announces: short, so that those who come first hear of those who come later. */
const INTERVAL_SECONDS = 5;

/**
 * The tracker at which the programs of one measurement meet: it tells everybody of everybody else at once.
 *
 * It knows one swarm. Each announce is remembered by address and port; nobody is ever forgotten.
 */
export class MeetingTracker {
  /** `left` of each peer's last announce, in bytes, by "address:port". */
  readonly #left = new Map<string, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(hostname = "127.0.0.1") {
    this.#server = Deno.serve({ hostname, port: 0, onListen() {} }, (request, { remoteAddr }) => {
      return this.#answer(new URL(request.url).searchParams, remoteAddr.hostname);
    });
  }

  /** Its announce address. */
  get url(): string {
    return `http://${this.#server.addr.hostname}:${this.#server.addr.port}/announce`;
  }

  /** Whether a peer that listens on `port` has announced that it has everything. */
  hasSeeder(port: number): boolean {
    return [...this.#left].some(([endpoint, left]) => left === 0 && endpoint.endsWith(`:${port}`));
  }

  close(): Promise<void> {
    return this.#server.shutdown();
  }

  #answer(query: URLSearchParams, address: string): Response {
    const own = `${address}:${query.get("port")}`;
    this.#left.set(own, Number(query.get("left")));
    const others = [...this.#left.keys()].filter((endpoint) => endpoint !== own);
    return new Response(encode({ interval: INTERVAL_SECONDS, peers: compact(others) }));
  }
}

/** BEP 23: four bytes of address and two of port each. */
function compact(endpoints: readonly string[]): Uint8Array {
  return Uint8Array.from(endpoints.flatMap((endpoint) => {
    const [address, port] = endpoint.split(":");
    return [...address.split(".").map(Number), Number(port) >>> 8, Number(port) & 255];
  }));
}
