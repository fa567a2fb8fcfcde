/** Asks a web server whose address a torrent tells: only http and https, only where `request_rules.ts` lets us. */
import { VERSION, WEB_SEED } from "../../settings.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { PinnedClient } from "../http/pinned_client.ts";
import { type Hop, redirectRefusal, webSeedRefusal } from "../http/request_rules.ts";

/** Something is wrong with a reply; `isFinal` when it would be wrong again. */
export class ReplyError extends Error {
  readonly isFinal: boolean;
  /** As long as the server asked us to stay away, in ms. */
  readonly retryAfterMs: number;

  constructor(message: string, isFinal: boolean, retryAfterMs = 0) {
    super(message);
    this.isFinal = isFinal;
    this.retryAfterMs = retryAfterMs;
  }
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** A web server and those it redirects to, with the connections to them. To be closed after use. */
export class WebServer {
  readonly #isBlocked: (address: string) => boolean;
  /** Where each origin was found, and the client that asks there. */
  readonly #servers = new Map<string, { readonly address: string; readonly client: PinnedClient }>();
  #failures = 0;

  /** Addresses that `isBlocked` are not asked. */
  constructor(isBlocked: (address: string) => boolean) {
    this.#isBlocked = isBlocked;
  }

  /** Closes idle connections. What is asked for later opens new ones. */
  close(): void {
    for (const { client } of this.#servers.values()) client.close();
    this.#servers.clear();
  }

  /** A request failed: servers are found anew next time, at the next of their addresses. */
  failed(): void {
    this.close();
    this.#failures++;
  }

  /**
   * Sends a GET request and follows redirects. `query` is of our own making, so that no rule forbids it. Errors:
   * `ReplyError`, what the runtime throws, or the signal's reason.
   */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    query = "",
  ): Promise<Response> {
    let hop = await this.#hopTo(url, signal);
    for (let redirects = 0;; redirects++) {
      const asked = new URL(hop.url);
      if (redirects === 0 && query !== "") {
        asked.search = asked.search === "" ? query : `${asked.search}&${query}`;
      }
      const response = await hop.client.fetch(asked, {
        redirect: "manual",
        signal,
        headers: { ...headers, "Accept-Encoding": "identity", "User-Agent": `peer/${VERSION}` },
      });
      if (!REDIRECTS.includes(response.status)) return response;
      await response.body?.cancel();
      if (redirects >= WEB_SEED.maxRedirects) {
        throw new ReplyError(`Expected at most ${WEB_SEED.maxRedirects} redirects, got more`, true);
      }
      const next = URL.parse(response.headers.get("location") ?? "", asked);
      if (next === null || !/^https?:$/.test(next.protocol) || next.username !== "") {
        throw new ReplyError("Expected a redirect to http or https, got another one", true);
      }
      hop = await this.#hopTo(next, signal, hop);
    }
  }

  /** A server that may be asked, and how to reach it. Errors: `ReplyError` when it must not be asked. */
  async #hopTo(url: URL, signal: AbortSignal, from?: Hop): Promise<Hop & { client: PinnedClient }> {
    const known = this.#servers.get(url.origin);
    const addresses = known === undefined ? await addressesOf(url.hostname, signal) : [known.address];
    if (addresses.length === 0) throw new ReplyError("Expected a host with an address, got none", false);
    const hop = { url, address: addresses[this.#failures % addresses.length] };
    const refusal = (from && redirectRefusal(from, hop)) ?? webSeedRefusal(hop);
    if (refusal !== undefined) throw new ReplyError(refusal, true);
    if (this.#isBlocked(hop.address)) throw new ReplyError("Its address is blocked", true);
    // A server could send us to another one with every request.
    if (known === undefined && this.#servers.size >= WEB_SEED.maxServers) this.close();
    const client = known?.client ?? new PinnedClient(hop);
    this.#servers.set(url.origin, { address: hop.address, client });
    return { ...hop, client };
  }
}
