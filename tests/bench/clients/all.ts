import type { Contender } from "./contender.ts";
import { libtorrentDefault, libtorrentTuned } from "./libtorrent.ts";
import { limit } from "./limit.ts";
import { peer } from "./peer.ts";
import { aria2, qbittorrent, rtorrent, transmission, webtorrent } from "./reference.ts";

/** Everybody who can take part, our own program first. */
export const CLIENTS: readonly Contender[] = [
  peer,
  libtorrentTuned,
  libtorrentDefault,
  rtorrent,
  aria2,
  qbittorrent,
  webtorrent,
  transmission,
];

/** Everybody, and what bounds them. */
export const CLIENTS_AND_LIMIT: readonly Contender[] = [limit, ...CLIENTS];
