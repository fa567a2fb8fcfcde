/** Asks a web server that a torrent names, by http and https only, and only where `request_rules.ts` allows it. */
import { WEB_SEED } from "../../settings.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { PinnedClient } from "../http/pinned_client.ts";
import { followRedirects, withQuery } from "../http/redirects.ts";
import { type Hop, redirectRefusal, webSeedRefusal } from "../http/request_rules.ts";

/** A reply is faulty; `isFinal` when the same request would fail again. */
export class ReplyError extends Error {
  readonly isFinal: boolean;
  /** Time for which the server asked us to stay away, in ms; 0 when it named none. */
  readonly retryAfterMs: number;

  constructor(message: string, isFinal: boolean, retryAfterMs = 0) {
    super(message);
    this.isFinal = isFinal;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A server must not be asked at all. */
export class RefusedServerError extends ReplyError {
  constructor(message: string) {
    super(message, true);
  }
}

/** A web server and the servers it redirects to, with the connections to them. The caller closes it after use. */
export class WebServer {
  readonly #isBlocked: (address: string) => boolean;
  /** The address of each origin, and the client that asks there. */
  readonly #servers = new Map<string, { readonly address: string; readonly client: PinnedClient }>();
  #failures = 0;

  /** No address for which `isBlocked` returns true is asked. */
  constructor(isBlocked: (address: string) => boolean) {
    this.#isBlocked = isBlocked;
  }

  /** Closes idle connections. A later request opens new ones. */
  close(): void {
    for (const { client } of this.#servers.values()) client.close();
    this.#servers.clear();
  }

  /** Hears that a request failed: the next one resolves the names again, and uses the next of their addresses. */
  failed(): void {
    this.close();
    this.#failures++;
  }

  /**
   * Sends a GET request and follows redirects. `query` is added to that of `url`; it is of our own making, so that no
   * rule forbids it, also where a redirect passes it on.
   *
   * Errors: `ReplyError`; any error of the runtime; the signal's reason.
   */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    query = "",
  ): Promise<Response> {
    let ours = query;
    return await followRedirects(await this.#hopTo(url, signal), {
      maxRedirects: WEB_SEED.maxRedirects,
      ask: ({ url, client }) => {
        const asked = withQuery(url, ours);
        return client.fetch(asked, { headers: { ...headers, "Accept-Encoding": "identity" }, signal });
      },
      hopTo: (url, from) => {
        if (url.search !== withQuery(from.url, ours).search) ours = "";
        const next = new URL(url);
        if (ours !== "") next.search = from.url.search;
        return this.#hopTo(next, signal, from);
      },
      refusal: (message) => new ReplyError(message, true),
    });
  }

  /** The server of a URL and its client. Errors: `ReplyError` when the server must not be asked. */
  async #hopTo(url: URL, signal: AbortSignal, from?: Hop): Promise<Hop & { client: PinnedClient }> {
    if (from !== undefined && url.username !== "") {
      throw new ReplyError("Expected a redirect without a user name, got one", true);
    }
    const known = this.#servers.get(url.origin);
    const addresses = known === undefined ? await addressesOf(url.hostname, signal) : [known.address];
    if (addresses.length === 0) throw new ReplyError("Expected a host with an address, got none", false);
    const hop = { url, address: addresses[this.#failures % addresses.length] };
    const refusal = (from && redirectRefusal(from, hop)) ?? webSeedRefusal(hop) ??
      (this.#isBlocked(hop.address) ? "Its address is blocked" : undefined);
    if (refusal !== undefined) {
      throw from === undefined ? new RefusedServerError(refusal) : new ReplyError(refusal, true);
    }
    // A hostile server could redirect us to another server with every request.
    if (known === undefined && this.#servers.size >= WEB_SEED.maxServers) this.close();
    const client = known?.client ?? new PinnedClient(hop);
    this.#servers.set(url.origin, { address: hop.address, client });
    return { ...hop, client };
  }
}
