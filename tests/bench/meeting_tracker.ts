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
  readonly #onAnnounce: (endpoint: string, left: number) => void;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens at once; `onAnnounce` is told of every announce. */
  constructor(hostname: string, port = 0, onAnnounce: (endpoint: string, left: number) => void = () => {}) {
    this.#onAnnounce = onAnnounce;
    this.#server = Deno.serve({ hostname, port, onListen() {} }, (request, { remoteAddr }) => {
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
    const left = Number(query.get("left"));
    this.#left.set(own, left);
    this.#onAnnounce(own, left);
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

// As a process of its own, on a host that the benchmark itself cannot reach: ADDRESS PORT; tells announces as lines.
if (import.meta.main) {
  const [hostname, port] = Deno.args;
  new MeetingTracker(hostname, Number(port), (endpoint, left) => console.log(`${endpoint} ${left}`));
}
