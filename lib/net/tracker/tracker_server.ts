import { ProtocolError } from "../../errors.ts";
import { familyOf, scopeOf } from "../../protocol/endpoint.ts";
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
import type { HttpReply, RouteHandler } from "../http/http_server.ts";

/** What the tracker server works with. */
export interface TrackerServerOptions {
  /** Where announces go and counts come from. */
  readonly registry: Pick<SwarmRegistry, "announce" | "scrape">;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** The embedded tracker towards the network: what it accepts, whatever carried it, and the HTTP side of it. */
export class TrackerServer {
  readonly #options: TrackerServerOptions;

  constructor(options: TrackerServerOptions) {
    this.#options = options;
  }

  /** Paths and handlers for `HttpServer.addRoutes`. Refusals are bencoded replies of status 200 (BEP 3). */
  routes(): [path: string, handler: RouteHandler][] {
    return [
      ["/announce", ({ query }, { address }) => reply(() => this.#announceQuery(query, address))],
      ["/scrape", ({ query }) => reply(() => this.#scrapeQuery(query))],
    ];
  }

  /** Takes an announce that came from `remoteAddress`. */
  announce(request: AnnounceRequest, remoteAddress: string): AnnounceReply | TrackerFailure {
    const { registry, now } = this.#options;
    const [address, ...others] = addressesOf(request, remoteAddress);
    const result = registry.announce(request, address, now());
    if (result === undefined) {
      return { failureReason: "Unregistered torrent: this tracker does not serve its info-hash" };
    }
    for (const other of others) registry.announce({ ...request, numwant: 0 }, other, now());
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
    return { status: 200, body: body() };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { status: 200, body: encodeFailure({ failureReason: error.message }) };
  }
}

/**
 * Under which addresses an announcer is listed: the one it came from, unless it may claim others.
 *
 * A claimed address makes other peers dial it, so only neighbours may claim one (announces from this machine or
 * a private network), and only one in a private network. It replaces the source when it is of its family (a
 * container or a proxy in between); of the other family it is listed beside it (BEP 7).
 */
function addressesOf(request: AnnounceRequest, remoteAddress: string): string[] {
  const claimed = request.claimedAddresses.filter((address) => scopeOf(address) === "private");
  if (claimed.length === 0) return [remoteAddress];
  const scope = scopeOf(remoteAddress);
  if (scope !== "private" && scope !== "loopback") return [remoteAddress];
  const sameFamily = claimed.find((address) => familyOf(address) === familyOf(remoteAddress));
  const otherFamily = claimed.find((address) => familyOf(address) !== familyOf(remoteAddress));
  return [sameFamily ?? remoteAddress, ...(otherFamily === undefined ? [] : [otherFamily])];
}
