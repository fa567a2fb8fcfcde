/** Fetches the metadata of a magnet link from peers, and asks the trackers of the link for peers. */
import { inSlices } from "../disk/time_slices.ts";
import { changedTiers } from "./kept/kept_addresses.ts";
import type { JoinContext } from "./joined_torrent.ts";
import { Announcer } from "../net/tracker/announcer.ts";
import { namesThisMachine } from "../net/http/request_rules.ts";
import { parseAnnounceAddress } from "../protocol/announce_address.ts";
import type { Magnet } from "../protocol/magnet.ts";
import { type Metainfo, readInfo } from "../protocol/metainfo.ts";
import { METAINFO_LIMITS } from "../settings.ts";
import { MetadataSwarm } from "../swarm/metadata_swarm.ts";

/** The fetch of the metadata of one magnet link. */
export class MagnetFetch {
  readonly swarm: MetadataSwarm;
  readonly announcer: Announcer;
  readonly #magnet: Magnet;
  readonly #addresses: JoinContext["addresses"];
  /**
   * The torrent, with the trackers and web seeds of the link. Rejects with `MetainfoError` when the metadata cannot be
   * read or is unsafe, and with the reason of the signal when that aborts.
   */
  readonly metainfo: Promise<Metainfo>;

  constructor(magnet: Magnet, context: JoinContext, signal: AbortSignal) {
    const { policy, limits, shared: { surroundings, trackerTraffic } } = context;
    this.#magnet = magnet;
    this.#addresses = context.addresses;
    const { promise: rawInfo, resolve, reject } = Promise.withResolvers<Uint8Array>();
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    this.metainfo = rawInfo.then(async (rawInfo) =>
      withMagnet(await inSlices(readInfo(rawInfo, METAINFO_LIMITS)), magnet)
    );
    this.swarm = new MetadataSwarm({
      infoHash: magnet.infoHash,
      name: magnet.name || magnet.infoHash,
      policy,
      limits,
      surroundings,
      startedAt: surroundings.now(),
      report: context.report,
      completed: resolve,
    });
    this.announcer = new Announcer({
      swarm: this.swarm,
      tiers: this.#tiers,
      traffic: trackerTraffic,
      failed: undefined,
      surroundings,
    });
  }

  get #tiers(): string[][] {
    const tiers = changedTiers(this.#magnet.trackers.map((tracker) => [tracker]), this.#addresses());
    return tiers.map((tier) => tier.flatMap((address) => parseAnnounceAddress(address)?.href ?? []));
  }

  /** The user has changed the trackers. */
  addressesChanged(): void {
    this.announcer.replaceTiers(this.#tiers);
  }

  /** Ends the fetch. The trackers hear a goodbye unless the torrent's own announcer takes over. Never rejects. */
  async stop(reason: string, isTakenOver: boolean): Promise<void> {
    this.swarm.stop(reason);
    await (isTakenOver ? this.announcer.leave() : this.announcer.stop());
  }
}

/**
 * A torrent with the trackers and web seeds of a magnet link beside its own. Web seeds on this machine are left out:
 * links come from web pages, and one could make us send requests to any program that listens here.
 */
export function withMagnet(metainfo: Metainfo, { trackers, webSeeds }: Magnet): Metainfo {
  const known = metainfo.announceTiers.flat();
  return {
    ...metainfo,
    announceTiers: [
      ...metainfo.announceTiers,
      ...trackers.filter((tracker) => !known.includes(tracker)).map((tracker) => [tracker]),
    ],
    webSeeds: [...new Set([...metainfo.webSeeds, ...webSeeds.filter(isElsewhere)])],
  };
}

function isElsewhere(webSeed: string): boolean {
  const url = URL.parse(webSeed);
  return url !== null && !namesThisMachine(url);
}
