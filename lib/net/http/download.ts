/** Downloads a small file from a web server that the user named. */
import { publicUrl } from "../../protocol/secrets.ts";
import { DOWNLOAD } from "../../settings.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { PinnedClient } from "./pinned_client.ts";
import { followRedirects } from "./redirects.ts";
import { downloadRefusal, type Hop, redirectRefusal } from "./request_rules.ts";
import { bodyOf, causeOf } from "./response_body.ts";

/** A file cannot be downloaded. The message is safe to print. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
}

/**
 * Downloads the file at an `http:` or `https:` URL, within `DOWNLOAD.timeoutMs` and of at most `DOWNLOAD.maxBytes`.
 * Redirects are followed where `redirectRefusal` and `isBlocked` allow it.
 *
 * Errors: `DownloadError`; the reason of `signal` when that aborts.
 */
export async function download(
  address: string,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = URL.parse(address);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new DownloadError("Expected a URL of http or https, got another text");
  }
  const timeout = AbortSignal.timeout(DOWNLOAD.timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  try {
    return await get(url, isBlocked, either);
  } catch (error) {
    signal.throwIfAborted();
    const seconds = DOWNLOAD.timeoutMs / 1_000;
    const reason = timeout.aborted ? `it took longer than ${seconds} seconds` : causeOf(error);
    throw new DownloadError(`Cannot fetch ${publicUrl(url.href)}: ${reason}`, { cause: error });
  }
}

async function get(
  url: URL,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  using clients = new DisposableStack();
  const hopTo = async (url: URL, from?: Hop): Promise<Hop> => {
    let refusal = "Expected a host with an address, got none";
    for (const address of await addressesOf(url.hostname, signal)) {
      const hop = { url, address };
      const why = isBlocked(address)
        ? "Its address is blocked"
        : (from && redirectRefusal(from, hop)) ?? downloadRefusal(hop);
      if (why === undefined) return hop;
      refusal = why;
    }
    throw new DownloadError(refusal);
  };
  const response = await followRedirects(await hopTo(url), {
    maxRedirects: DOWNLOAD.maxRedirects,
    ask: (hop) => clients.use(new PinnedClient(hop, { poolMaxIdlePerHost: 0 })).fetch(hop.url, { signal }),
    hopTo,
    refusal: (message) => new DownloadError(message),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new DownloadError(`Expected a reply of status 200, got ${response.status}`);
  }
  const tooLong = () => new DownloadError(`Expected at most ${DOWNLOAD.maxBytes} bytes, got more`);
  return await bodyOf(response, DOWNLOAD.maxBytes, tooLong);
}
