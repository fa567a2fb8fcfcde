/** What `create` says beside what it made: where others look for this machine, and what is to be done next. */
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

/** Errors: `Failure` where the data is a torrent already. */
export async function refuseTorrent(path: string): Promise<void> {
  if (!isTorrentFileName(path) || await readTorrent(path).then(() => false, () => true)) return;
  const why = "Expected data to share, got a torrent already; " +
    `to join it: peer ${path}; to change where others are looked for: peer edit ${path} --announce ADDR`;
  throw new Failure(EXIT.badInput, path, why);
}

/** What was made, where others will look for this machine, and what to do next. */
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

/** That others will not find this machine by these announce addresses; empty where one of them may be found. */
export function loopbackWarning(announce: readonly (readonly string[])[]): string[] {
  const addresses = announce.flat();
  if (addresses.length === 0 || !addresses.every(isLoopbackAnnounce)) return [];
  const [own] = reachableAddresses(Deno.networkInterfaces());
  const remedy = own === undefined
    ? "connect it to a network, and then use peer edit"
    : `use --announce ${own.address}`;
  return [`the announce address is good on this machine only, others will not find it: ${remedy}`];
}

/** That the data is not where it is shared from; empty where something of its name is. */
export async function placeWarning(path: string, home: string): Promise<string[]> {
  const place = join(home, "shareable", basename(resolve(path)));
  return await exists(place)
    ? []
    : [`${path} is not in the folder that is shared: move it to ${place}, so that this machine has the data`];
}
