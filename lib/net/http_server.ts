import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import { TRACKER } from "../settings.ts";
import { openOnFreePort, openOnHost, type PortRange } from "./free_port.ts";
import { remoteAddress } from "./own_addresses.ts";

/** Answers one request. `remote` is who asks, in canonical spelling (IPv4 inside IPv6 as IPv4). */
export type RouteHandler = (request: Request, remote: Endpoint) => Response | Promise<Response>;

/** Where to listen, and to whom failures of handlers are told. */
export interface HttpServerOptions {
  /** Address to listen on; undefined: all, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** Port the user named (0: any free one); undefined: the first free one of `ports`. */
  readonly port: number | undefined;
  readonly ports: PortRange;
  readonly log: Logger;
}

type Listening = Deno.HttpServer<Deno.NetAddr>;

/**
 * The process's one HTTP server: exact paths, each with a handler; everything else is 404 without a word.
 *
 * What holds against bad clients: malformed HTTP is refused by the runtime; a URL beyond
 * `TRACKER.maxRequestBytes` is 414; a handler that throws is 500, and the reason goes to the log only.
 * A client that sends slowly costs a descriptor until the server stops, nothing more.
 */
export class HttpServer {
  /** The port listened on. */
  readonly port: number;
  readonly #routes = new Map<string, RouteHandler>();
  readonly #stopping = new AbortController();
  readonly #listening: readonly Listening[];
  readonly #log: Logger;

  /** Listens at once. Errors: `Error` "port N is in use". */
  constructor(options: HttpServerOptions) {
    this.#log = options.log;
    this.#listening = openOnFreePort(
      options.port,
      options.ports,
      (port) => openOnHost(options.host, port, (host, port) => this.#listen(host, port), portOf),
    );
    this.port = portOf(this.#listening[0]);
  }

  /** Adds paths, such as `/announce`, each with its handler. */
  addRoutes(routes: Iterable<readonly [path: string, handler: RouteHandler]>): void {
    for (const [path, handler] of routes) this.#routes.set(path, handler);
  }

  /** Closes all connections, also those in the middle of a request. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#listening.map((server) => server.finished));
  }

  #listen(hostname: string, port: number): Listening {
    return Deno.serve({
      hostname,
      port,
      signal: this.#stopping.signal,
      onListen: () => {},
      onError: (error) => {
        this.#log.error(`HTTP request failed: ${messageOf(error)}`);
        return new Response(null, { status: 500 });
      },
    }, (request, { remoteAddr }) => this.#answer(request, remoteAddr));
  }

  #answer(request: Request, from: Deno.NetAddr): Response | Promise<Response> {
    if (request.url.length > TRACKER.maxRequestBytes) return new Response(null, { status: 414 });
    // The URL is put together from this header: with a slash in it, the path would be what the header says.
    if (/[^\w.:[\]%-]/.test(request.headers.get("host") ?? "")) return new Response(null, { status: 400 });
    const handler = this.#routes.get(rawPathOf(request.url));
    if (handler === undefined) return new Response(null, { status: 404 });
    return handler(request, { address: remoteAddress(from.hostname), port: from.port });
  }
}

/** The query of a request's URL as it came, without `?`: `URL` would change bytes that are not text. */
export function rawQueryOf(url: string): string {
  return /^[^?#]*\?([^#]*)/.exec(url)?.[1] ?? "";
}

/** The path as it came, neither decoded nor simplified. */
function rawPathOf(url: string): string {
  return /^https?:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? "";
}

function portOf(server: Listening): number {
  return server.addr.port;
}
