import { messageOf, ProtocolError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import { headLength, type HttpRequest, parseHttpRequest } from "../../protocol/http_request.ts";
import { TRACKER } from "../../settings.ts";
import { acceptConnections } from "../peers/accept_loop.ts";
import { TcpStream } from "../peers/byte_stream.ts";
import { openOnFreePort, openOnHost, type PortRange } from "../addresses/free_port.ts";

/** What is answered; the body is plain text or bytes. */
export interface HttpReply {
  readonly status: 200 | 400 | 404 | 405 | 414 | 500;
  readonly body?: Uint8Array;
}

/** Answers one request. `remote` is who asks, in canonical spelling (IPv4 inside IPv6 as IPv4). */
export type RouteHandler = (request: HttpRequest, remote: Endpoint) => HttpReply;

/** Where to listen, and to whom failures of handlers are told. */
export interface HttpServerOptions {
  /** Address to listen on; undefined: all, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** Port the user named (0: any free one); undefined: the first free one of `ports`. */
  readonly port: number | undefined;
  readonly ports: PortRange;
  readonly log: Logger;
  /** Opens what is to be found under the same port. Throws `AddrInUse` where that is busy: then another one is taken. */
  readonly openBeside?: (port: number) => void;
  /** The path of a route that an unknown path stands for; undefined when none. Without it, paths are exact. */
  readonly pathMeant?: (path: string) => string | undefined;
  /** `TRACKER.requestTimeoutMs` unless a test is in a hurry. */
  readonly requestTimeoutMs?: number;
}

const REASONS: Readonly<Record<HttpReply["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  414: "URI Too Long",
  500: "Internal Server Error",
};

/** Read at first; most requests are shorter. */
const FIRST_READ_BYTES = 2048;
/** How often connections are looked through for those that have had their time. */
const LOOK_MS = 1_000;

/** A connection and since when we wait for it to ask something, or to take our answer. */
interface Waiting {
  readonly stream: TcpStream;
  since: number;
}

/**
 * The process's one HTTP server: paths, each with a handler, for GET; everything else is refused without a word.
 *
 * What holds against bad clients, for the runtime's own server has no such limits: a request must have come, and its
 * answer must have gone, within `TRACKER.requestTimeoutMs`; there are at most `TRACKER.maxConnections`, and above that
 * the one that has kept us waiting for longest makes room; heads beyond `TRACKER.maxRequestBytes` and bodies are not
 * read. A handler that throws is 500, and the reason goes to the log only.
 */
export class HttpServer {
  /** The port listened on. */
  readonly port: number;
  readonly #routes = new Map<string, RouteHandler>();
  readonly #stopping = new AbortController();
  readonly #listening: readonly Deno.TcpListener[];
  readonly #running: Promise<void>;
  readonly #log: Logger;
  readonly #pathMeant: (path: string) => string | undefined;
  readonly #requestTimeoutMs: number;
  /** Longest waiting first. */
  readonly #waiting = new Set<Waiting>();
  readonly #served = new Set<Promise<void>>();

  /** Listens at once. Errors: `AddrInUse` "port N is in use". */
  constructor(options: HttpServerOptions) {
    this.#log = options.log;
    this.#pathMeant = options.pathMeant ?? (() => undefined);
    this.#requestTimeoutMs = options.requestTimeoutMs ?? TRACKER.requestTimeoutMs;
    this.#listening = openOnFreePort(options.port, options.ports, (port) => listen(options, port));
    this.port = this.#listening[0].addr.port;
    const timer = setInterval(() => this.#dropLate(), LOOK_MS);
    this.#running = acceptConnections(this.#listening, {
      take: (connection) => this.#take(new TcpStream(connection)),
      signal: this.#stopping.signal,
      log: this.#log,
      name: "HTTP server",
    }).then(() => clearInterval(timer));
  }

  /** Adds paths, such as `/announce`, each with its handler. */
  addRoutes(routes: Iterable<readonly [path: string, handler: RouteHandler]>): void {
    for (const [path, handler] of routes) this.#routes.set(path, handler);
  }

  /** Connections open now. */
  get connectionCount(): number {
    return this.#waiting.size;
  }

  /** Closes all connections, also those in the middle of a request. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const listening of this.#listening) listening.close();
    for (const { stream } of this.#waiting) stream.close();
    await Promise.all([this.#running, ...this.#served]);
  }

  #take(stream: TcpStream): void {
    if (this.#waiting.size >= TRACKER.maxConnections) {
      const [oldest] = this.#waiting;
      this.#drop(oldest);
    }
    const waiting = { stream, since: performance.now() };
    this.#waiting.add(waiting);
    const served = this.#serve(waiting).catch(() => {}).finally(() => {
      this.#drop(waiting);
      this.#served.delete(served);
    });
    this.#served.add(served);
  }

  #drop(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    waiting.stream.close();
  }

  #dropLate(): void {
    const latest = performance.now() - this.#requestTimeoutMs;
    for (const waiting of this.#waiting) {
      if (waiting.since > latest) return;
      this.#drop(waiting);
    }
  }

  /** Answers one request after another. Rejects when the connection breaks or is dropped. */
  async #serve(waiting: Waiting): Promise<void> {
    const { stream } = waiting;
    let buffer = new Uint8Array(FIRST_READ_BYTES);
    let filled = 0, seen = 0;
    while (true) {
      const length = headLength(buffer.subarray(0, filled), seen);
      if (length === undefined) {
        seen = filled;
        if (filled === TRACKER.maxRequestBytes) {
          return await this.#end(stream, replyBytes({ status: 414 }, false));
        }
        if (filled === buffer.length) buffer = larger(buffer);
        const count = await stream.read(buffer.subarray(filled));
        if (count === null) return;
        filled += count;
        continue;
      }
      const request = readHead(buffer.subarray(0, length));
      const answer = this.#answer(request, stream.remote);
      const keepsAlive = request?.keepsAlive ?? false;
      const reply = replyBytes(answer, keepsAlive);
      if (!keepsAlive && (filled > length || answer.status !== 200)) return await this.#end(stream, reply);
      await stream.write(reply);
      if (!keepsAlive) return;
      buffer.copyWithin(0, length, filled);
      filled -= length;
      seen = 0;
      waiting.since = performance.now();
      this.#waiting.delete(waiting);
      this.#waiting.add(waiting);
    }
  }

  /** `request` is undefined when it is malformed. */
  #answer(request: HttpRequest | undefined, remote: Endpoint): HttpReply {
    if (request === undefined) return { status: 400 };
    const { path } = request;
    const handler = this.#routes.get(path) ?? this.#routes.get(this.#pathMeant(path) ?? path);
    if (handler === undefined) return { status: 404 };
    if (request.method !== "GET") return { status: 405 };
    try {
      return handler(request, remote);
    } catch (error) {
      this.#log.error(`HTTP request failed: ${messageOf(error)}`);
      return { status: 500 };
    }
  }

  /** Answers for the last time, and lets the client read that: closing while it still sends would take it away. */
  async #end(stream: TcpStream, reply: Uint8Array): Promise<void> {
    await stream.write(reply);
    await stream.closeWrite();
    const rest = new Uint8Array(FIRST_READ_BYTES);
    for (let read = 0; read < TRACKER.maxRequestBytes;) {
      const count = await stream.read(rest);
      if (count === null) return;
      read += count;
    }
  }
}

/** Listens on a port, and opens what is to be found beside it. */
function listen({ host, openBeside }: HttpServerOptions, port: number): Deno.TcpListener[] {
  const listening = openOnHost(
    host,
    port,
    (hostname, port) => Deno.listen({ hostname, port }),
    ({ addr }) => addr.port,
  );
  try {
    openBeside?.(listening[0].addr.port);
    return listening;
  } catch (error) {
    for (const each of listening) each.close();
    throw error;
  }
}

function larger(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(Math.min(4 * buffer.length, TRACKER.maxRequestBytes));
  copy.set(buffer);
  return copy;
}

/** Undefined when it is malformed. */
function readHead(head: Uint8Array): HttpRequest | undefined {
  try {
    return parseHttpRequest(head);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function replyBytes({ status, body }: HttpReply, keepsAlive: boolean): Uint8Array {
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...(status === 405 ? ["Allow: GET"] : []),
    ...(body === undefined ? [] : ["Content-Type: text/plain"]),
    `Content-Length: ${body?.length ?? 0}`,
    `Connection: ${keepsAlive ? "keep-alive" : "close"}`,
  ].join("\r\n");
  return concatBytes(toUtf8(`${head}\r\n\r\n`), body ?? new Uint8Array());
}
