/** Operations that show one torrent. */
import type { GenericSchema } from "valibot";
import { type InfoHash, parseInfoHash } from "../../protocol/info_hash.ts";
import type { TorrentSnapshot } from "../../session/session.ts";
import { jsonOf, summaryOf } from "../events/state.ts";
import { Refusal } from "../problem.ts";
import { Files, Hosts, Peers, Pieces, TorrentDetails, Trackers, WebSeeds } from "./answers.ts";
import { type Call, type Operation, operation } from "./operation.ts";

/** The torrent that the path names. Errors: `Refusal` 404. */
export function torrentOf({ session, parameters: { infoHash } }: Call<unknown>): InfoHash {
  const parsed = parseInfoHash(infoHash);
  if (parsed !== undefined && session.has(parsed)) return parsed;
  throw new Refusal(404, `Expected the info-hash of a torrent of this session, got ${infoHash.slice(0, 50)}`);
}

/** The snapshot of a torrent of the session. */
export function snapshotOf({ session }: Call<unknown>, infoHash: InfoHash): TorrentSnapshot {
  return session.snapshot().find((snapshot) => snapshot.infoHash === infoHash)!;
}

/** An operation that shows a part of the torrent. */
function look(
  part: string,
  summary: string,
  answer: GenericSchema,
  view: (call: Call<unknown>, infoHash: InfoHash) => object,
): Operation {
  return operation({
    method: "get",
    path: `/torrents/{infoHash}${part}`,
    summary,
    answer,
    run: (call) => jsonOf(view(call, torrentOf(call))),
  });
}

export const TORRENT_LOOKS: readonly Operation[] = [
  look("", "One torrent from near", TorrentDetails, (call, infoHash) => ({
    ...summaryOf(snapshotOf(call, infoHash), call.now()),
    ...call.session.details(infoHash),
  })),
  look("/files", "Its files", Files, ({ session }, infoHash) => ({ files: session.files(infoHash) })),
  look("/peers", "Its connected peers", Peers, (call, infoHash) => ({
    peers: snapshotOf(call, infoHash).peers,
  })),
  look(
    "/hosts",
    "All machines that take part in it, also those that have left",
    Hosts,
    ({ session }, infoHash) => ({ hosts: session.hosts(infoHash) }),
  ),
  look("/trackers", "Its trackers, tier by tier", Trackers, ({ session }, infoHash) => ({
    trackers: session.trackers(infoHash),
  })),
  look("/web-seeds", "Its web seeds", WebSeeds, ({ session }, infoHash) => ({
    webSeeds: session.webSeeds(infoHash),
  })),
  look(
    "/pieces",
    "Its pieces, and the blocks under way: who was asked, who delivered",
    Pieces,
    ({ session }, infoHash) => session.pieces(infoHash),
  ),
];
