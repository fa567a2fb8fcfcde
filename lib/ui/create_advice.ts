/** The advice of `create` about a new torrent: where others will look for this machine, and the next step. */
import { basename, join, resolve } from "node:path";
import {
  isLoopbackAnnounce,
  isTorrentFileName,
  nameForCommands,
  reachableAddresses,
  readTorrent,
  type TorrentDescription,
} from "../session/torrent_tools.ts";
import { EXIT, Failure } from "./failure.ts";
import { exists } from "./torrent_arguments.ts";

/** Refuses to make a torrent of a torrent. Errors: `Failure` where `path` names a torrent. */
export async function refuseTorrent(path: string): Promise<void> {
  if (!isTorrentFileName(path) || await readTorrent(path).then(() => false, () => true)) return;
  const why = "Expected data to share, got a torrent already; " +
    `to join it: peer ${path}; to change where others are looked for: peer edit ${path} --announce ADDR`;
  throw new Failure(EXIT.badInput, path, why);
}

/** Rows that show the new torrent, where others will look for this machine, and the next step. */
export function createdRows(
  path: string,
  { infoHash, announce }: TorrentDescription,
  home: string,
): (readonly [title: string, text: string])[] {
  const interfaces = new Map(Deno.networkInterfaces().map(({ address, name }) => [address, name]));
  const announceTexts = announce.flat().map((url) => {
    const name = interfaces.get(URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "");
    return name === undefined ? url : `${url} (this machine, ${name})`;
  });
  return [
    ["Torrent", path],
    ["Info-hash", infoHash],
    ...announceTexts.map((text) => ["Announce", text] as const),
    [
      "Next",
      `peer ${nameForCommands(path, home)}; then copy the torrent to the others and do the same there`,
    ],
  ];
}

/** Warns that others will not find this machine by these announce addresses; empty where they may find one of them. */
export function loopbackWarning(announce: readonly (readonly string[])[]): string[] {
  const addresses = announce.flat();
  if (addresses.length === 0 || !addresses.every(isLoopbackAnnounce)) return [];
  const [own] = reachableAddresses(Deno.networkInterfaces());
  const remedy = own === undefined
    ? "connect it to a network, and then use peer edit"
    : `use --announce ${own.address}`;
  return [`the announce address is good on this machine only, others will not find it: ${remedy}`];
}

/** Warns that the data is not in `shareable/`, the folder that is shared; empty where that has an entry of its name. */
export async function placeWarning(path: string, home: string): Promise<string[]> {
  const place = join(home, "shareable", basename(resolve(path)));
  return await exists(place)
    ? []
    : [`${path} is not in the folder that is shared: move it to ${place}, so that this machine has the data`];
}
