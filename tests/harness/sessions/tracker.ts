import { silentLogger } from "../../../lib/log.ts";
import {
  HttpServer,
  type HttpServerOptions,
  type HttpService,
  listenForHttp,
  servePaths,
} from "../../../lib/net/http/http_server.ts";
import { announceToTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { TrackerServer } from "../../../lib/net/tracker/tracker_server.ts";
import { UdpTrackerServer } from "../../../lib/net/tracker/udp_tracker_server.ts";
import { ownPathOf } from "../../../lib/protocol/announce_address.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { type InfoHash, infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import type { AnnounceReply, AnnounceRequest } from "../../../lib/protocol/tracker_messages.ts";
import { PORTS, TRACKER } from "../../../lib/settings.ts";
import { SwarmRegistry } from "../../../lib/swarm/swarm_registry.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import { seededRandom } from "../data/random.ts";

/** The info-hash that test trackers serve. */
export const SERVED: InfoHash = infoHashFromBytes(new Uint8Array(20).fill(0xf0));

/** An info-hash that test trackers do not serve. */
export const UNKNOWN: InfoHash = infoHashFromBytes(new Uint8Array(20));

/** An announce for `SERVED` by a peer of this name; ids are bytes that are not text. */
export function announceOf(name: string, changes: Partial<AnnounceRequest> = {}): AnnounceRequest {
  const peerId = new Uint8Array(20).fill(0xff);
  peerId.set(toUtf8(name));
  return {
    infoHash: SERVED,
    peerId,
    port: 6881,
    uploaded: 0,
    downloaded: 0,
    left: 1,
    compact: true,
    noPeerId: true,
    supportsCrypto: false,
    claimedAddresses: [],
    ...changes,
  };
}

/** Announces to the HTTP or the UDP server of a test tracker, called by an address of this machine. */
export function announceBy(protocol: "http" | "udp") {
  const { signal } = new AbortController();
  return (tracker: TestTracker, request: AnnounceRequest, host = "127.0.0.1"): Promise<AnnounceReply> =>
    announceToTracker(`${protocol}://${host}:${tracker[protocol].port}/announce`, request, signal);
}

/** The endpoints of the peers in a reply, in order. */
export function peersOf({ peers }: AnnounceReply): string[] {
  return peers.map(({ endpoint }) => formatEndpoint(endpoint)).sort();
}

/** An HTTP server with the tracker's limits on a free port of all addresses, with these routes. */
export function httpServerWith(
  routes: Record<string, HttpService>,
  options: Partial<HttpServerOptions> = {},
): HttpServer {
  return new HttpServer({
    listening: listenForHttp({ host: undefined, port: 0, ports: PORTS.tracker }),
    service: servePaths(Object.entries(routes)),
    limits: TRACKER,
    log: silentLogger,
    ...options,
  });
}

/** A registry without swarms over a table. */
export function registryOf(table: TrackerTable): SwarmRegistry {
  return new SwarmRegistry(table, { peerId: new Uint8Array(20), port: 6881 });
}

/** A whole embedded tracker on free ports, with a clock that stands still unless set. */
export class TestTracker {
  readonly table = new TrackerTable({ open: false, random: seededRandom(1), ownAddressFor: () => undefined });
  /** Peers that came, left or changed between seed and leech, as `address port`. */
  readonly changes: string[] = [];
  now = 0;
  readonly http: HttpServer;
  readonly udp: UdpTrackerServer;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor() {
    this.table.serve(SERVED);
    const now = () => this.now;
    const door = registryOf(this.table);
    const registry = {
      announce: (...[request, address, now, source]: Parameters<SwarmRegistry["announce"]>) => {
        const result = door.announce(request, address, now, source);
        if (result?.membershipChanged) this.changes.push(`${address} ${request.port}`);
        return result;
      },
      scrape: door.scrape.bind(door),
    };
    const server = new TrackerServer({ registry, now });
    this.http = httpServerWith({}, {
      service: servePaths(server.routes(), ownPathOf),
    });
    this.udp = new UdpTrackerServer({ host: undefined, port: 0, server, now, log: silentLogger });
    this.#running = this.udp.run(this.#stopping.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.http.stop();
  }
}
