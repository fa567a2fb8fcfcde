import { familyOf } from "../../protocol/endpoint.ts";
import { VERSION } from "../../settings.ts";
import type { Hop } from "./request_rules.ts";

/**
 * An HTTP client for one server that connects to the address that was looked at, not to what its host's name means
 * by then. To be closed by the caller.
 *
 * Requests are as any other client's: the path alone in their first line, as most trackers understand no other, and
 * the name in the field `Host`. An `https:` server is found by its name again, in the same family: the runtime cannot
 * do both. There the certificate tells that it is the right one, before anything is asked.
 */
export class PinnedClient implements Disposable {
  readonly #host: string;
  readonly #client: Deno.HttpClient;

  /** `options`: as for any HTTP client of the runtime. */
  constructor({ url, address }: Hop, options: Deno.CreateHttpClientOptions = {}) {
    const family = familyOf(address);
    this.#host = family === 4 ? address : `[${address}]`;
    const pin = url.protocol === "https:"
      ? { localAddress: family === 4 ? "0.0.0.0" : "::" }
      : { allowHost: true };
    this.#client = Deno.createHttpClient({ ...options, ...pin });
  }

  /** As `fetch`, for a URL of that server, without following redirects. The reply's own URL has the address. */
  fetch(
    url: URL,
    { headers, signal }: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal;
    },
  ): Promise<Response> {
    const init = { redirect: "manual", signal: signal ?? null, client: this.#client } as const;
    const named = { ...headers, "User-Agent": `peer/${VERSION}` };
    if (url.protocol === "https:") return fetch(url, { ...init, headers: named });
    const pinned = new URL(url);
    pinned.hostname = this.#host;
    return fetch(pinned, { ...init, headers: { ...named, Host: url.host } });
  }

  /** Closes idle connections. */
  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
