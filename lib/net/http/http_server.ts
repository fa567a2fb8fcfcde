import { messageOf, ProtocolError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import {
  CONTINUE,
  encodeChunk,
  encodeReply,
  encodeReplyHead,
  LAST_CHUNK,
  type ReplyHead,
} from "../../protocol/http_reply.ts";
import { headLength, type HttpRequest, parseHttpRequest } from "../../protocol/http_request.ts";
import { openOnFreePort, openOnHost, type PortRange } from "../addresses/free_port.ts";
import { acceptConnections } from "../peers/accept_loop.ts";
import { TcpStream, UnixStream } from "../peers/byte_stream.ts";

/** A reply to a request. */
export interface HttpReply extends ReplyHead {
  /** Whole, or as a stream, which is sent as it comes and is cancelled when the client is gone. */
  readonly body?: Uint8Array | ReadableStream<Uint8Array>;
  /** Bytes of a stream, where that is known before. A stream of another length breaks the connection. */
  readonly length?: number;
}

/** A request that is answered once its body is there. */
interface AdmittedRequest {
  readonly maxBodyBytes: number;
  /** Answers; `body` is whole. */
  answer(body: Uint8Array<ArrayBuffer>): HttpReply | Promise<HttpReply>;
}

/**
 * What a server serves: answers a request by its head alone, or admits its body.
 * `remote` is the client's endpoint in canonical spelling (IPv4 inside IPv6 as IPv4); a client of a Unix socket counts
 * as loopback.
 */
export type HttpService = (request: HttpRequest, remote: Endpoint) => HttpReply | AdmittedRequest;

/** The load that a server accepts. */
export interface HttpLimits {
  /** Longest request line and headers, in bytes. */
  readonly maxRequestBytes: number;
  /** Connections open at once. */
  readonly maxConnections: number;
  /** Bytes of bodies that are being read or answered, of all connections together. */
  readonly maxBodyBytes: number;
  /** A request must have come whole, and each part of its answer must have gone, within this time. */
  readonly requestTimeoutMs: number;
}

/** Where requests come from, what answers them, and to whom failures are told. */
export interface HttpServerOptions {
  /** TCP or Unix sockets, opened already; the server closes them. */
  readonly listening: readonly Deno.Listener<Deno.TcpConn | Deno.UnixConn>[];
  readonly service: HttpService;
  readonly limits: HttpLimits;
  readonly log: Logger;
}

/** Where to listen. */
interface ListenOptions {
  /** Address to listen on; undefined: all, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** Port the user named (0: any free one); undefined: the first free one of `ports`. */
  readonly port: number | undefined;
  readonly ports: PortRange;
  /** Opens what is to be found under the same port. Throws `AddrInUse` where that is busy: then another one is taken. */
  readonly openBeside?: (port: number) => void;
}

/** Read at first; most requests are shorter. */
const FIRST_READ_BYTES = 2048;
/** How often connections are looked through for those that have had their time. */
const LOOK_MS = 1_000;
const NO_BODY = new Uint8Array();

type Stream = TcpStream | UnixStream;

/** A connection, and since when we wait for the client: to ask something, or to take our answer. */
interface Client {
  readonly stream: Stream;
  since: number;
  /** The body that is being sent to it. */
  sending?: ReadableStreamDefaultReader<Uint8Array> | undefined;
}

/** Bytes that were read and not used yet; the first `seen` of them were searched for the end of a head. */
interface Received {
  buffer: Uint8Array<ArrayBuffer>;
  filled: number;
  seen: number;
}

/**
 * An HTTP/1 server (RFC 9112) for a service of ours: the tracker's, the API's.
 *
 * The runtime's own server has no limits against bad clients; this one has. A client that keeps us waiting for
 * `requestTimeoutMs` is dropped. Where there are `maxConnections`, the client that has kept us waiting for longest makes
 * room; where none does, the newcomer is turned away. The service admits a request by its head before any body is read,
 * and bodies together take `maxBodyBytes` at most. A service that throws is 500, and the reason goes to the log only.
 */
export class HttpServer {
  /** The port listened on; 0 for a Unix socket. */
  readonly port: number;
  readonly #options: HttpServerOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #clients = new Set<Client>();
  /** Those of them that keep us waiting, longest first. */
  readonly #waiting = new Set<Client>();
  readonly #served = new Set<Promise<void>>();
  #bodyBytes = 0;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const [{ addr }] = options.listening;
    this.port = addr.transport === "tcp" ? addr.port : 0;
    const timer = setInterval(() => this.#dropLate(), LOOK_MS);
    this.#running = acceptConnections(options.listening, {
      take: (connection) => this.#take(streamOf(connection)),
      signal: this.#stopping.signal,
      log: options.log,
      name: "HTTP server",
    }).then(() => clearInterval(timer));
  }

  /** Connections open now. */
  get connectionCount(): number {
    return this.#clients.size;
  }

  /** Closes all connections, also those in the middle of a request. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const listening of this.#options.listening) listening.close();
    for (const client of this.#clients) this.#drop(client);
    await Promise.all([this.#running, ...this.#served]);
  }

  #take(stream: Stream): void {
    if (this.#clients.size >= this.#options.limits.maxConnections) {
      const [oldest] = this.#waiting;
      if (oldest === undefined) return stream.close();
      this.#drop(oldest);
    }
    const client = { stream, since: 0 };
    this.#clients.add(client);
    this.#waitFor(client);
    const served = this.#serve(client).catch(() => {}).finally(() => {
      this.#drop(client);
      this.#served.delete(served);
    });
    this.#served.add(served);
  }

  /** Notes that we wait for the client from now on. */
  #waitFor(client: Client): void {
    client.since = performance.now();
    this.#waiting.delete(client);
    this.#waiting.add(client);
  }

  #drop(client: Client): void {
    this.#clients.delete(client);
    this.#waiting.delete(client);
    client.stream.close();
    client.sending?.cancel().catch(() => {});
  }

  #dropLate(): void {
    const latest = performance.now() - this.#options.limits.requestTimeoutMs;
    for (const client of this.#waiting) {
      if (client.since > latest) return;
      this.#drop(client);
    }
  }

  /** Answers one request after another. Rejects when the connection breaks or is dropped. */
  async #serve(client: Client): Promise<void> {
    const { stream } = client;
    const { maxRequestBytes } = this.#options.limits;
    const received: Received = { buffer: new Uint8Array(FIRST_READ_BYTES), filled: 0, seen: 0 };
    while (true) {
      const length = headLength(received.buffer.subarray(0, received.filled), received.seen);
      if (length === undefined) {
        if (received.filled === maxRequestBytes) return await this.#refuse(stream, 414);
        const count = await stream.read(roomBehind(received, maxRequestBytes));
        if (count === null) return;
        received.filled += count;
        continue;
      }
      const request = readRequest(received.buffer.subarray(0, length));
      if (request === undefined) return await this.#refuse(stream, 400);
      discard(received, length);
      if (!await this.#respond(client, request, received)) {
        const mayStillSend = received.filled > 0 || request.bodyLength !== 0;
        return mayStillSend ? await this.#letRead(stream) : undefined;
      }
      this.#waitFor(client);
    }
  }

  /** Answers one request; resolves with whether the connection goes on. */
  #respond(client: Client, request: HttpRequest, received: Received): Promise<boolean> {
    const result = this.#askService(request, client.stream.remote);
    return "answer" in result
      ? this.#answerBody(client, request, received, result)
      : this.#send(client, request, result, request.keepsAlive && request.bodyLength === 0);
  }

  #askService(request: HttpRequest, remote: Endpoint): HttpReply | AdmittedRequest {
    try {
      return this.#options.service(request, remote);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): HttpReply {
    this.#options.log.error(`HTTP request failed: ${messageOf(error)}`);
    return { status: 500 };
  }

  /** Reads the body of a request and answers it; whether the connection goes on. */
  async #answerBody(
    client: Client,
    request: HttpRequest,
    received: Received,
    admitted: AdmittedRequest,
  ): Promise<boolean> {
    const { bodyLength } = request;
    const refusal = this.#bodyRefusal(bodyLength, admitted.maxBodyBytes);
    if (refusal !== undefined) return await this.#send(client, request, { status: refusal }, false);
    const length = bodyLength!;
    this.#bodyBytes += length;
    try {
      const body = await readBody(client.stream, request, length, received);
      if (body === null) return false;
      this.#waiting.delete(client);
      const answer = await new Promise<HttpReply>((resolve) => resolve(admitted.answer(body)))
        .catch((error) => this.#failed(error));
      this.#waitFor(client);
      return await this.#send(client, request, answer, request.keepsAlive);
    } finally {
      this.#bodyBytes -= length;
    }
  }

  /** The status that refuses a body; undefined where it may come. */
  #bodyRefusal(length: number | undefined, maxLength: number): number | undefined {
    if (length === undefined) return 411;
    if (length > maxLength) return 413;
    if (this.#bodyBytes + length > this.#options.limits.maxBodyBytes) return 503;
  }

  /** Sends a reply; resolves with `goesOn`. */
  async #send(client: Client, { method }: HttpRequest, reply: HttpReply, goesOn: boolean): Promise<boolean> {
    const { body = NO_BODY } = reply;
    if (body instanceof ReadableStream) await this.#sendStream(client, body, reply, goesOn);
    else await client.stream.write(encodeReply(reply, body, goesOn, method !== "HEAD"));
    return goesOn;
  }

  /**
   * Sends a body as it comes, in chunks (RFC 9112, 7.1) unless its length is known; the client keeps us waiting only
   * while a part is written.
   */
  async #sendStream(
    client: Client,
    body: ReadableStream<Uint8Array>,
    reply: HttpReply,
    keepsAlive: boolean,
  ): Promise<void> {
    const { stream } = client;
    const { length } = reply;
    const reader = client.sending = body.getReader();
    let sent = 0;
    try {
      await stream.write(encodeReplyHead(reply, length, keepsAlive));
      while (true) {
        this.#waiting.delete(client);
        const { done, value } = await reader.read();
        this.#waitFor(client);
        if (done) break;
        if (value.length === 0) continue;
        sent += value.length;
        if (length !== undefined && sent > length) break;
        await stream.write(length === undefined ? encodeChunk(value) : value);
      }
      if (length === undefined) await stream.write(LAST_CHUNK);
      else if (sent !== length) throw new RangeError(`Expected ${length} bytes to send, got ${sent}`);
    } finally {
      client.sending = undefined;
      await reader.cancel().catch(() => {});
    }
  }

  /** Answers what is no request that we read. */
  async #refuse(stream: Stream, status: number): Promise<void> {
    await stream.write(encodeReply({ status }, NO_BODY, false));
    await this.#letRead(stream);
  }

  /**
   * Ends the connection after the last answer, once the client has read it: closing while it still sends would take
   * the answer away from it.
   */
  async #letRead(stream: Stream): Promise<void> {
    await stream.closeWrite();
    const rest = new Uint8Array(FIRST_READ_BYTES);
    for (let read = 0; read < this.#options.limits.maxRequestBytes;) {
      const count = await stream.read(rest);
      if (count === null) return;
      read += count;
    }
  }
}

/**
 * A service of paths, each with a handler, for GET; everything else is refused without a word. `pathMeant` gives the path
 * that an unknown one stands for, undefined when none; without it, paths are exact.
 */
export function servePaths(
  routes: Iterable<readonly [path: string, handler: HttpService]>,
  pathMeant: (path: string) => string | undefined = () => undefined,
): HttpService {
  const handlers = new Map(routes);
  return (request, remote) => {
    const { path, method } = request;
    const handler = handlers.get(path) ?? handlers.get(pathMeant(path) ?? path);
    if (handler === undefined) return { status: 404 };
    if (method !== "GET") return { status: 405, headers: [["Allow", "GET"]] };
    return handler(request, remote);
  };
}

/** Listens on a port, and opens the sockets that are to have the same number. */
export function listenForHttp(
  { host, port, ports, openBeside }: ListenOptions,
): Deno.TcpListener[] {
  return openOnFreePort(port, ports, (port) => {
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
  });
}

function streamOf(connection: Deno.TcpConn | Deno.UnixConn): Stream {
  return "setNoDelay" in connection ? new TcpStream(connection) : new UnixStream(connection);
}

/** Where the next read goes: behind what was received, which is known to hold no end of a head. */
function roomBehind(received: Received, most: number): Uint8Array<ArrayBuffer> {
  received.seen = received.filled;
  if (received.filled === received.buffer.length) received.buffer = larger(received.buffer, most);
  return received.buffer.subarray(received.filled);
}

/** Takes the first `length` bytes out of what was received. */
function discard(received: Received, length: number): void {
  received.buffer.copyWithin(0, length, received.filled);
  received.filled -= length;
  received.seen = 0;
}

/** The body of a request, which is `length` bytes long; null when the client ends before. */
async function readBody(
  stream: Stream,
  { expectsContinue }: HttpRequest,
  length: number,
  received: Received,
): Promise<Uint8Array<ArrayBuffer> | null> {
  let body = received.buffer.slice(0, Math.min(length, received.filled));
  discard(received, body.length);
  if (expectsContinue && body.length < length) await stream.write(CONTINUE);
  let filled = body.length;
  while (filled < length) {
    // Memory is taken for what has come, not for what is announced.
    if (filled === body.length) body = larger(body, length);
    const count = await stream.read(body.subarray(filled));
    if (count === null) return null;
    filled += count;
  }
  return body;
}

/** The same bytes with room for more, `most` bytes at most. The memory of the old buffer is free at once. */
function larger(buffer: Uint8Array<ArrayBuffer>, most: number): Uint8Array<ArrayBuffer> {
  const length = Math.min(Math.max(4 * buffer.length, FIRST_READ_BYTES), most);
  return new Uint8Array(buffer.buffer.transfer(length));
}

/** Reads the head of a request; undefined when it is malformed. */
function readRequest(head: Uint8Array): HttpRequest | undefined {
  try {
    return parseHttpRequest(head);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
