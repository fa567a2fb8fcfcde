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

/** What the tracker server works with. */
export interface TrackerServerOptions {
  /** Where announces go and counts come from. */
  readonly registry: Pick<SwarmRegistry, "announce" | "scrape">;
  /** Addresses, in any spelling, of proxies that announce for others, and may say for whom; none when left out. */
  readonly trustedProxies?: readonly string[];
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** The embedded tracker towards the network: what it accepts, whatever carried it, and the HTTP side of it. */
export class TrackerServer {
  readonly #options: TrackerServerOptions;
  /** Canonical. */
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

  /** Takes an announce that came from `remoteAddress`. */
  announce(request: AnnounceRequest, remoteAddress: string): AnnounceReply | TrackerFailure {
    const { registry, now } = this.#options;
    const [address, ...others] = addressesOf(request, remoteAddress, this.#trustedProxies);
    const result = registry.announce(request, address, now(), remoteAddress);
    if (result === undefined) {
      return { failureReason: "Unregistered torrent: this tracker does not serve its info-hash" };
    }
    for (const other of others) registry.announce({ ...request, numwant: 0 }, other, now(), remoteAddress);
    const { complete, incomplete, downloaded, peers } = result;
    return {
      intervalSeconds: TRACKER.intervalSeconds,
      minIntervalSeconds: TRACKER.minIntervalSeconds,
      complete,
      incomplete,
      downloaded,
      peers,
    };
  }

  /** Counts of those of `infoHashes` that are tracked. */
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

  /** A scrape of everything is refused: it would tell strangers what is shared here. */
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
 * Under which addresses an announcer is listed: the one it came from, unless it may claim others.
 *
 * A claimed address makes other peers dial it, so claims are taken only of this machine and of the proxies that the
 * user named, and only for a private network. Of this machine, a claim replaces the source when it is of its family (a
 * container or a proxy in between); of the other family it is listed beside it (BEP 7). A proxy is never listed itself.
 */
function addressesOf(
  { claimedAddresses }: AnnounceRequest,
  remoteAddress: string,
  trustedProxies: readonly string[],
): [string, ...string[]] {
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
