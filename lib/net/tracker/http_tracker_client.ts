import { ProtocolError, TrackerError } from "../../errors.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import {
  decodeAnnounceReply,
  decodeScrapeReply,
  encodeAnnounceQuery,
  encodeScrapeQuery,
  scrapeUrlOf,
} from "../../protocol/tracker_http_messages.ts";
import type {
  AnnounceReply,
  AnnounceRequest,
  ScrapeCounts,
  TrackerFailure,
} from "../../protocol/tracker_messages.ts";
import { ANNOUNCING } from "../../settings.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { PinnedClient } from "../http/pinned_client.ts";
import { followRedirects, withQuery } from "../http/redirects.ts";
import { type Hop, redirectRefusal } from "../http/request_rules.ts";
import { bodyOf, causeOf } from "../http/response_body.ts";

/** Matches the runtime's error for a request that failed on an established connection. */
const CONNECTED = /\(SendRequest\)/;

/**
 * Announces to an HTTP(S) tracker at `address`, which belongs to its host and may be asked.
 *
 * Redirects are followed where `redirectRefusal` and `isBlocked` allow it.
 * Errors: `TrackerError`; `ProtocolError` for a malformed answer; the error of `fetch` where no connection can be made.
 */
export async function announceOverHttp(
  { url, address }: Hop,
  request: AnnounceRequest,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<AnnounceReply | TrackerFailure> {
  const hop = { url: withQuery(url, encodeAnnounceQuery(request)), address };
  return decodeAnnounceReply(await replyOf(hop, isBlocked, signal), ANNOUNCING.maxPeers);
}

/** Asks for the counts of one info-hash (BEP 48); `url` is the announce URL. All else is as in `announceOverHttp`. */
export async function scrapeOverHttp(
  { url, address }: Hop,
  infoHash: InfoHash,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<ScrapeCounts | TrackerFailure> {
  const scrapeUrl = scrapeUrlOf(url);
  if (scrapeUrl === undefined) throw new TrackerError("Expected a URL that ends in announce, got another");
  const hop = { url: withQuery(scrapeUrl, encodeScrapeQuery([infoHash])), address };
  const reply = decodeScrapeReply(await replyOf(hop, isBlocked, signal), infoHash);
  if (!(reply instanceof Map)) return reply;
  const counts = reply.get(infoHash);
  if (counts === undefined) throw new TrackerError("Expected counts of the torrent, got none");
  return counts;
}

/** The body of a reply, after redirects. An error behind a redirect is no outage of the first tracker. */
async function replyOf(
  first: Hop,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  using clients = new DisposableStack();
  let isRedirected = false;
  try {
    const response = await followRedirects(first, {
      maxRedirects: ANNOUNCING.maxRedirects,
      ask: (hop) => ask(clients.use(new PinnedClient(hop, { poolMaxIdlePerHost: 0 })), hop.url, signal),
      hopTo: (url, from) => {
        isRedirected = true;
        return nextHop(from, url, isBlocked, signal);
      },
      refusal: (message) => new TrackerError(message),
    });
    if (response.ok) return await readBody(response, signal);
    await response.body?.cancel();
    throw new TrackerError(`Expected an HTTP reply of status 200, got ${response.status}`);
  } catch (error) {
    const isOutage = !(error instanceof TrackerError) || error.isOutage;
    throw isRedirected && isOutage ? new ProtocolError(causeOf(error)) : error;
  }
}

/** Makes one request. Errors: `ProtocolError` for an answer that is no HTTP reply. */
async function ask(client: PinnedClient, url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await client.fetch(url, { signal });
  } catch (error) {
    throw CONNECTED.test(causeOf(error)) ? new ProtocolError(causeOf(error)) : error;
  }
}

async function nextHop(
  from: Hop,
  url: URL,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Hop> {
  let refusal = "Expected a redirect to a host with an address";
  for (const address of await addressesOf(url.hostname, signal)) {
    const hop = { url, address };
    const why = isBlocked(address) ? "Refused a redirect to a blocked address" : redirectRefusal(from, hop);
    if (why === undefined) return hop;
    refusal = why;
  }
  throw new TrackerError(refusal);
}

/** The body. Errors: `TrackerError` when it is too long; `ProtocolError` when it cannot be read. */
async function readBody(response: Response, signal: AbortSignal): Promise<Uint8Array> {
  const limit = ANNOUNCING.maxReplyBytes;
  try {
    return await bodyOf(
      response,
      limit,
      () => new TrackerError(`Expected a reply of at most ${limit} bytes`),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof TrackerError ? error : new ProtocolError(causeOf(error));
  }
}
