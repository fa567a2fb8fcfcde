import { aria2 } from "./aria2.ts";
import type { InteropClient } from "./client.ts";
import { libtorrent } from "./libtorrent.ts";
import { qbittorrent } from "./qbittorrent.ts";
import { rtorrent } from "./rtorrent.ts";
import { transmission } from "./transmission.ts";
import { webtorrent } from "./webtorrent.ts";

/** Every client of the matrix, in the order of its rows. */
export const clients: readonly InteropClient[] = [
  libtorrent,
  qbittorrent,
  transmission,
  aria2,
  rtorrent,
  webtorrent,
];
