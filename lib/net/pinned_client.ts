import { familyOf } from "../protocol/endpoint.ts";
import type { Hop } from "./request_rules.ts";

/**
 * An HTTP client for one server that connects to the address that was looked at, not to what its host's name means
 * by then. To be closed by the caller.
 *
 * An `https:` server is found by its name again, in the same family: the runtime cannot do both. There the
 * certificate tells that it is the right one, before anything is asked.
 */
export function pinnedClient(
  { url, address }: Hop,
  options: Deno.CreateHttpClientOptions = {},
): Deno.HttpClient {
  const family = familyOf(address);
  if (url.protocol === "https:") {
    return Deno.createHttpClient({ ...options, localAddress: family === 4 ? "0.0.0.0" : "::" });
  }
  const hostname = family === 4 ? address : `[${address}]`;
  return Deno.createHttpClient({
    ...options,
    proxy: { transport: "tcp", hostname, port: Number(url.port || 80) },
  });
}
