/** Where what a lead offers is looked for, and where it is put. */
import fs from "node:fs";
import { join } from "node:path";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { Offer, OfferedData } from "../../protocol/offer_messages.ts";
import { safeName } from "../../protocol/safe_path.ts";
import type { KeptFleet } from "../kept/kept_fleet.ts";
import type { AddOptions, Torrents } from "../torrents.ts";

/** Peers to which a member turns first for what it takes. */
const MAX_PEERS = 8;
/** Digits of an info-hash that name a folder. */
const FOLDER_DIGITS = 8;

/**
 * Where data goes and what it is made of: a folder of its own in `shareable/` where its name is in use there, as that of
 * a new version is; and the data of the version before, if it is in its place. Whether all of it is good need not be
 * known, as each piece that is taken is hashed: the files are there before the torrent counts as complete.
 */
export function placesFor(
  infoHash: InfoHash,
  { name, replaces }: OfferedData,
  { home, torrents }: { readonly home: string; readonly torrents: Torrents },
): Pick<AddOptions, "folder" | "reuse"> {
  const shareable = join(home, "shareable");
  const isInUse = fs.existsSync(join(shareable, safeName(name)));
  const torrent = replaces !== undefined && torrents.has(replaces) ? torrents.get(replaces) : undefined;
  const metainfo = torrent?.parts.metainfo;
  const old = torrent === undefined || metainfo === undefined
    ? []
    : [join(torrent.will.kept.folder ?? shareable, metainfo.files[0].path[0])];
  return {
    reuse: old.filter((path) => fs.existsSync(path)),
    ...isInUse && { folder: join(shareable, infoHash.slice(0, FOLDER_DIGITS)) },
  };
}

/** Where the data may be: at the lead, and at the members that are here, `HOST:PORT` each. */
export function peersFor(
  { lead }: Offer,
  members: KeptFleet["members"],
  isHere: (id: string) => boolean,
): string[] {
  const leadId = lead.toHex();
  const here = [...members].filter(([id]) => isHere(id) && id !== leadId);
  return [members.get(leadId), ...here.map(([, member]) => member)]
    .flatMap((member) => member?.endpoint ?? []).slice(0, MAX_PEERS);
}
