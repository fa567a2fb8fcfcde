import { messageOf, ProtocolError, TrackerError } from "../../errors.ts";
import { joinBytes } from "../../protocol/bytes.ts";
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
import { ANNOUNCING, VERSION } from "../../settings.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { PinnedClient } from "../http/pinned_client.ts";
import { type Hop, redirectRefusal } from "../http/request_rules.ts";

/** How the runtime says that a request failed on a connection that was there. */
const CONNECTED = /\(SendRequest\)/;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Announces to an HTTP(S) tracker at `address`, which is one of its host's and may be asked.
 *
 * Redirects are followed to where `redirectRefusal` lets them lead, and `isBlocked` does not stand against it.
 * Errors: `TrackerError`; `ProtocolError` for an answer that is nonsense; what `fetch` throws where no connection is to
 * be had.
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

/** Asks for the counts of one info-hash (BEP 48), and otherwise as `announceOverHttp`; `url` is the announce URL. */
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

function withQuery(url: URL, query: string): URL {
  const extended = new URL(url);
  extended.search = `${url.search === "" ? "" : `${url.search}&`}${query}`;
  return extended;
}

/** The body of the reply to a request, redirects followed. */
async function replyOf(
  first: Hop,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const answer = await ask(first, signal);
  return answer instanceof Uint8Array ? answer : await replyFrom(first, answer, isBlocked, signal);
}

/** The body of the reply at the end of some redirects. If they lead nowhere, that is no outage of the first tracker. */
async function replyFrom(
  first: Hop,
  redirect: Redirect,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let hop = first;
  let { location } = redirect;
  try {
    for (let redirects = 0; redirects < ANNOUNCING.maxRedirects; redirects++) {
      hop = await nextHop(hop, location, isBlocked, signal);
      const answer = await ask(hop, signal);
      if (answer instanceof Uint8Array) return answer;
      location = answer.location;
    }
  } catch (error) {
    const isOutage = !(error instanceof TrackerError) || error.isOutage;
    throw isOutage ? new ProtocolError(causeOf(error)) : error;
  }
  throw new TrackerError(`Expected at most ${ANNOUNCING.maxRedirects} redirects`);
}

/** What is wrong with a server's answer, in the words of the runtime. */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}

/** Where a reply sends us on to. */
interface Redirect {
  readonly location: string | null;
}

/** The body of a reply, or where it sends us on to. Errors: `ProtocolError` for what is no reply although we are connected. */
async function ask(hop: Hop, signal: AbortSignal): Promise<Uint8Array | Redirect> {
  using client = new PinnedClient(hop, { poolMaxIdlePerHost: 0 });
  const headers = { "user-agent": `peer/${VERSION}` };
  const response = await client.fetch(hop.url, { headers, redirect: "manual", signal }).catch((error) => {
    throw CONNECTED.test(causeOf(error)) ? new ProtocolError(causeOf(error)) : error;
  });
  if (response.ok) return await bodyOf(response, ANNOUNCING.maxReplyBytes, signal);
  await response.body?.cancel();
  if (REDIRECTS.includes(response.status)) return { location: response.headers.get("location") };
  throw new TrackerError(`Expected an HTTP reply of status 200, got ${response.status}`);
}

async function nextHop(
  from: Hop,
  location: string | null,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<Hop> {
  const url = location === null ? null : URL.parse(location, from.url);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new TrackerError("Expected a redirect to an HTTP address");
  }
  let refusal = "Expected a redirect to a host with an address";
  for (const address of await addressesOf(url.hostname, signal)) {
    const hop = { url, address };
    const why = isBlocked(address) ? "Refused a redirect to a blocked address" : redirectRefusal(from, hop);
    if (why === undefined) return hop;
    refusal = why;
  }
  throw new TrackerError(refusal);
}

/** The body, decompressed, if it has at most `limit` bytes. Errors: `ProtocolError` when it breaks off or cannot be read. */
async function bodyOf(response: Response, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    // Leaving the loop by an error cancels the body.
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > limit) throw new TrackerError(`Expected a reply of at most ${limit} bytes`);
      parts.push(part);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof TrackerError ? error : new ProtocolError(causeOf(error));
  }
  return joinBytes(parts);
}
