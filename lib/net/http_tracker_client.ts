import { TrackerError } from "../errors.ts";
import { concatBytes } from "../protocol/bytes.ts";
import { familyOf, scopeOf } from "../protocol/endpoint.ts";
import { decodeAnnounceReply, encodeAnnounceQuery } from "../protocol/tracker_http_messages.ts";
import type { AnnounceReply, AnnounceRequest, TrackerFailure } from "../protocol/tracker_messages.ts";
import { ANNOUNCING, VERSION } from "../settings.ts";
import { addressesOf, mayRedirect } from "./host_addresses.ts";

const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Announces to an HTTP(S) tracker by the IP family of `address`, which is one of its host's.
 *
 * Errors: `TrackerError`, `ProtocolError`, or what `fetch` throws.
 */
export async function announceOverHttp(
  url: URL,
  address: string,
  request: AnnounceRequest,
  signal: AbortSignal,
): Promise<AnnounceReply | TrackerFailure> {
  // A torrent's author must not be able to make us call whatever else listens on this machine.
  if (scopeOf(address) === "loopback" && !url.pathname.startsWith("/announce")) {
    throw new TrackerError("Expected a path that begins with /announce on this machine");
  }
  // A local address of one family makes the client use that family only.
  using client = Deno.createHttpClient({
    localAddress: familyOf(address) === 4 ? "0.0.0.0" : "::",
    poolMaxIdlePerHost: 0,
  });
  const announceUrl = new URL(url);
  announceUrl.search = `${url.search === "" ? "" : `${url.search}&`}${encodeAnnounceQuery(request)}`;
  const response = await fetchFollowing(announceUrl, address, client, signal);
  if (!response.ok) {
    await response.body?.cancel();
    throw new TrackerError(`Expected an HTTP reply of status 200, got ${response.status}`);
  }
  return decodeAnnounceReply(await bodyOf(response, ANNOUNCING.maxReplyBytes), ANNOUNCING.maxPeers);
}

/** Fetches, following redirects to where they may lead. */
async function fetchFollowing(
  first: URL,
  firstAddress: string,
  client: Deno.HttpClient,
  signal: AbortSignal,
): Promise<Response> {
  let [url, address] = [first, firstAddress];
  for (let redirects = 0; redirects <= ANNOUNCING.maxRedirects; redirects++) {
    const headers = { "user-agent": `peer/${VERSION}` };
    const response = await fetch(url, { client, headers, redirect: "manual", signal });
    if (!REDIRECTS.includes(response.status)) return response;
    await response.body?.cancel();
    const location = response.headers.get("location");
    const target = location === null ? null : URL.parse(location, url);
    if (target === null || !["http:", "https:"].includes(target.protocol)) {
      throw new TrackerError("Expected a redirect to an HTTP address");
    }
    const addresses = await addressesOf(target.hostname, signal);
    if (!addresses.every((candidate) => mayRedirect(address, candidate))) {
      throw new TrackerError("Refused a redirect that leads from a farther network into a nearer one");
    }
    [url, address] = [
      target,
      addresses.find((candidate) => familyOf(candidate) === familyOf(address)) ?? address,
    ];
  }
  throw new TrackerError(`Expected at most ${ANNOUNCING.maxRedirects} redirects`);
}

/** The body, decompressed, if it has at most `limit` bytes. */
async function bodyOf(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop by an error cancels the body.
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > limit) throw new TrackerError(`Expected a reply of at most ${limit} bytes`);
    parts.push(part);
  }
  return concatBytes(...parts);
}
