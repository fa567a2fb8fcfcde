import { ProtocolError } from "../../errors.ts";
import { canonicalAddress, familyOf, scopeOf, withoutZone } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import {
  encodeAnnounceReply,
  encodeFailure,
  encodeScrapeReply,
  parseAnnounceQuery,
  parseScrapeQuery,
} from "../../protocol/tracker_http_messages.ts";
import type {
  AnnounceReply,
  AnnounceRequest,
  ScrapeCounts,
  TrackerFailure,
} from "../../protocol/tracker_messages.ts";
import { TRACKER } from "../../settings.ts";
import type { SwarmRegistry } from "../../swarm/swarm_registry.ts";
import type { HttpReply, HttpService } from "../http/http_server.ts";

const PLAIN_TEXT = [["Content-Type", "text/plain"]] as const;

/** Everything that the tracker server needs. */
export interface TrackerServerOptions {
  /** The registry that takes announces and returns counts. */
  readonly registry: Pick<SwarmRegistry, "announce" | "scrape">;
  /** Addresses, in any spelling, of proxies that may announce the addresses of their clients; none when left out. */
  readonly trustedProxies?: readonly string[];
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Answers announces and scrapes for the embedded tracker, by HTTP or by UDP, and has the routes of its HTTP side. */
export class TrackerServer {
  readonly #options: TrackerServerOptions;
  /** Canonical addresses. */
  readonly #trustedProxies: readonly string[];

  constructor(options: TrackerServerOptions) {
    this.#options = options;
    this.#trustedProxies = (options.trustedProxies ?? []).map((address) =>
      canonicalAddress(address) ?? address
    );
  }

  /** Paths and handlers for `servePaths`. Refusals are bencoded replies of status 200 (BEP 3). */
  routes(): [path: string, handler: HttpService][] {
    return [
      ["/announce", ({ query }, { address }) => reply(() => this.#announceQuery(query, address))],
      ["/scrape", ({ query }) => reply(() => this.#scrapeQuery(query))],
    ];
  }

  /** Takes an announce that came from `remoteAddress`, and returns the reply. */
  announce(request: AnnounceRequest, remoteAddress: string): AnnounceReply | TrackerFailure {
    const { registry, now } = this.#options;
    const [address, ...others] = addressesOf(request, remoteAddress, this.#trustedProxies);
    const result = registry.announce(request, address, now(), remoteAddress);
    if (result === undefined) {
      return { failureReason: "Unregistered torrent: this tracker does not serve its info-hash" };
    }
    for (const other of others) registry.announce({ ...request, numwant: 0 }, other, now(), remoteAddress);
    const { complete, incomplete, downloaded, peers, reportIntervalSeconds } = result;
    return {
      intervalSeconds: TRACKER.intervalSeconds,
      minIntervalSeconds: TRACKER.minIntervalSeconds,
      complete,
      incomplete,
      downloaded,
      peers,
      reportIntervalSeconds,
    };
  }

  /** The counts of all `infoHashes` that are tracked. */
  scrape(infoHashes: readonly InfoHash[]): Map<InfoHash, ScrapeCounts> {
    const counts = new Map<InfoHash, ScrapeCounts>();
    for (const infoHash of infoHashes) {
      const found = this.#options.registry.scrape(infoHash);
      if (found !== undefined) counts.set(infoHash, found);
    }
    return counts;
  }

  #announceQuery(query: string, remoteAddress: string): Uint8Array<ArrayBuffer> {
    const request = parseAnnounceQuery(query);
    const reply = this.announce(request, remoteAddress);
    return "failureReason" in reply ? encodeFailure(reply) : encodeAnnounceReply(reply, request);
  }

  /** Answers a scrape of named info-hashes; a scrape of everything would tell strangers what is shared here. */
  #scrapeQuery(query: string): Uint8Array<ArrayBuffer> {
    const infoHashes = parseScrapeQuery(query, TRACKER.maxScrape);
    if (infoHashes.length === 0) throw new ProtocolError("Expected info_hash");
    return encodeScrapeReply(this.scrape(infoHashes));
  }
}

function reply(body: () => Uint8Array<ArrayBuffer>): HttpReply {
  try {
    return { status: 200, headers: PLAIN_TEXT, body: body() };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { status: 200, headers: PLAIN_TEXT, body: encodeFailure({ failureReason: error.message }) };
  }
}

/**
 * The addresses under which an announcer is listed: its source address, unless it may claim others.
 *
 * Other peers dial a claimed address. So only this machine and the proxies that the user named may claim addresses, and
 * only private ones. From this machine, a claim of the source's family replaces the source (a container or a proxy is
 * in between), and one of the other family is listed beside it (BEP 7). A proxy with a claim is never listed itself.
 */
function addressesOf(
  { claimedAddresses }: AnnounceRequest,
  remoteAddress: string,
  trustedProxies: readonly string[],
): [string, ...string[]] {
  if (claimedAddresses.length === 0) return [remoteAddress];
  const isProxy = trustedProxies.includes(withoutZone(remoteAddress));
  if (!isProxy && scopeOf(remoteAddress) !== "loopback") return [remoteAddress];
  const family = familyOf(remoteAddress);
  const claimed = claimedAddresses.filter((address) => scopeOf(address) === "private");
  const sameFamily = claimed.find((address) => familyOf(address) === family);
  const otherFamily = claimed.find((address) => familyOf(address) !== family);
  if (otherFamily === undefined) return [sameFamily ?? remoteAddress];
  if (isProxy && sameFamily === undefined) return [otherFamily];
  return [sameFamily ?? remoteAddress, otherFamily];
}
