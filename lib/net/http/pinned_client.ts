import { familyOf } from "../../protocol/endpoint.ts";
import { VERSION } from "../../settings.ts";
import type { Hop } from "./request_rules.ts";

/**
 * An HTTP client for one server. It connects to the address that was checked, whatever the host's name stands for by
 * then. The caller must close it.
 *
 * Requests look like those of any other client: the first line has the path alone, as most trackers understand no other
 * form, and the field `Host` has the name. For `https:` the runtime resolves the name again, in the same family, as it
 * cannot combine both; there the certificate proves that the server is the right one before the request is sent.
 */
export class PinnedClient implements Disposable {
  readonly #host: string;
  readonly #client: Deno.HttpClient;

  /** `options` are those of any HTTP client of the runtime. */
  constructor({ url, address }: Hop, options: Deno.CreateHttpClientOptions = {}) {
    const family = familyOf(address);
    this.#host = family === 4 ? address : `[${address}]`;
    const pin = url.protocol === "https:"
      ? { localAddress: family === 4 ? "0.0.0.0" : "::" }
      : { allowHost: true };
    this.#client = Deno.createHttpClient({ ...options, ...pin });
  }

  /** Does the same as `fetch` for a URL of that server, without following redirects. The reply's own URL has the address. */
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
