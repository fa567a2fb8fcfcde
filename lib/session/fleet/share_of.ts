import { isLoopbackAnnounce } from "../advice/announce_advice.ts";
import { parseAnnounceAddress } from "../../protocol/announce_address.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import type { OfferedData } from "../../protocol/offer_messages.ts";
import type { Share } from "../../protocol/share_messages.ts";
import type { Torrent } from "../torrent.ts";

/**
 * Whether a torrent is told to hosts that ask. Not told are private ones (BEP 27), those without metadata, and those
 * that rest or have failed.
 */
export function isShared({ isPrivate, lacksMetadata, isSeeking }: Torrent): boolean {
  return !isPrivate && !lacksMetadata && isSeeking;
}

/** A torrent as it is told to hosts that ask; undefined for one that is not shared. */
export function shareOf(torrent: Torrent): Share | undefined {
  const { metainfo } = torrent.parts;
  if (metainfo === undefined || !isShared(torrent)) return undefined;
  return {
    infoHash: torrent.infoHash,
    ...looksOf(metainfo),
    trackers: tiersForOthers(metainfo).flat(),
    isListed: torrent.will.kept.isListed,
  };
}

/** The announce URLs that are of use to others, tier by tier: they cannot reach a tracker on our loopback. */
export function tiersForOthers({ announceTiers }: Metainfo): string[][] {
  return announceTiers.map((tier) =>
    tier.filter((address) => !isLoopbackAnnounce(address))
      .flatMap((address) => parseAnnounceAddress(address)?.href ?? [])
  ).filter((tier) => tier.length > 0);
}

/** A torrent as a lead offers it; undefined for a private one (BEP 27), and for one without metadata. */
export function offeredDataOf({ parts: { metainfo } }: Torrent): OfferedData | undefined {
  if (metainfo === undefined || metainfo.isPrivate) return undefined;
  const { name, files } = looksOf(metainfo);
  return { name, length: metainfo.layout.totalLength, files, trackers: tiersForOthers(metainfo).flat() };
}

/** Name, bytes and number of files of a torrent, padding not counted (BEP 47). */
export function looksOf({ name, files }: Metainfo): Pick<Share, "name" | "length" | "files"> {
  const real = files.filter(({ isPadding }) => !isPadding);
  return { name, length: real.reduce((sum, { length }) => sum + length, 0), files: real.length };
}
