/** The `.torrent` file of a torrent with the announce addresses that work today. */
import { encodeMetainfo } from "../../protocol/metainfo.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import { announceUrlOf } from "../../swarm/tracker/succession.ts";
import type { Torrent } from "../torrent.ts";
import { isShared, tiersForOthers } from "./share_of.ts";

/**
 * The file for somebody who reaches our tracker at `ours`; undefined for a torrent that is not told to others.
 *
 * Its announce tiers are those of the torrent and, a tier each, the trackers that stand in for them. Where none of the
 * torrent's own answers, those that stand in come first, as some programs begin with the first tier. The info dictionary
 * is the same, and so is the info-hash.
 */
export function torrentOfToday(torrent: Torrent, ours: Endpoint | undefined): Uint8Array | undefined {
  const { metainfo, joined, announcer } = torrent.parts;
  if (metainfo === undefined || joined === undefined || !isShared(torrent)) return undefined;
  const own = tiersForOthers(metainfo);
  const standIns = [...announcer?.successorUrls ?? [], ...(ours === undefined ? [] : [announceUrlOf(ours)])]
    .filter((url) => !own.flat().includes(url)).map((url) => [url]);
  return encodeMetainfo(metainfo.rawInfo, {
    announceTiers: announcer?.isHandedOver ? [...standIns, ...own] : [...own, ...standIns],
    webSeeds: metainfo.webSeeds,
    comment: metainfo.comment,
    createdBy: metainfo.createdBy,
    creationDate: metainfo.creationDate,
  });
}
