/** `peer pause`, `resume`, `verify`, `remove`: orders to torrents of the running process. */
import { EXIT, type ExitCode } from "../failure.ts";
import { printable } from "../../log.ts";
import { ALL, namedTorrents } from "./named_torrents.ts";
import { printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { TorrentSummary } from "../../api/shapes.ts";

/** An order that needs nothing but torrents. */
type SimpleOrder = "pause" | "resume" | "verify" | "reannounce";

/** What has been done to a torrent, in words. */
const DONE: Readonly<Record<SimpleOrder, string>> = {
  pause: "paused",
  resume: "resumed",
  verify: "being checked",
  reannounce: "announced again",
};

/** Gives an order to the torrents that the words name. Errors: `Failure` for a word that names none. */
export async function order(
  remote: Remote,
  name: SimpleOrder,
  words: readonly string[],
  { json }: RemoteOptions,
): Promise<ExitCode> {
  const torrents = await give(remote, words, name, {});
  report(torrents, DONE[name], json);
  return EXIT.ok;
}

/** Removes the torrents that the words name, and with `deleteData` their data. Errors: as `order`. */
export async function remove(
  remote: Remote,
  words: readonly string[],
  { json, deleteData = false }: RemoteOptions & { readonly deleteData?: boolean },
): Promise<ExitCode> {
  const torrents = await give(remote, words, "remove", { deleteData });
  report(torrents, deleteData ? "removed, and its data deleted" : "removed, its finished data stays", json);
  return EXIT.ok;
}

/** Gives an order to each torrent that the words name, one after the other, and returns them. */
async function give(
  remote: Remote,
  words: readonly string[],
  name: string,
  body: object,
): Promise<TorrentSummary[]> {
  const torrents = namedTorrents(words, await torrentsOf(remote));
  // One request takes all at once, also those that came a moment ago.
  if (words.includes(ALL)) await remote.post(`/torrents/${ALL}/${name}`, body);
  else for (const { infoHash } of torrents) await remote.post(`/torrents/${infoHash}/${name}`, body);
  return torrents;
}

/** Says what has been done to which torrents. */
export function report(torrents: readonly TorrentSummary[], done: string, json: boolean | undefined): void {
  const named = torrents.map(({ infoHash, number, name }) => ({ infoHash, number, name }));
  printResult(
    json,
    named,
    () => torrents.length === 0 ? ["no torrents"] : torrents.map(({ name }) => printable(`${name}: ${done}`)),
  );
}
