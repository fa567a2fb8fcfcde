/** Operations that show one torrent. */
import type { GenericSchema } from "valibot";
import { inSlices } from "../../disk/time_slices.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { type InfoHash, parseInfoHash } from "../../protocol/info_hash.ts";
import type { Steps } from "../../protocol/steps.ts";
import type { PiecesView } from "../../session/session.ts";
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

/** Two million pieces at one stroke would hold everything up. */
const PIECES_PER_STEP = 32_768;

/** An operation that shows a part of the torrent; `view` makes its JSON. */
function look(
  part: string,
  summary: string,
  answer: GenericSchema,
  view: (call: Call<unknown>, infoHash: InfoHash) => object | Promise<object>,
): Operation {
  return operation({
    method: "get",
    path: `/torrents/{infoHash}${part}`,
    summary,
    answer,
    run: (call) => view(call, torrentOf(call)),
  });
}

export const TORRENT_LOOKS: readonly Operation[] = [
  look("", "One torrent from near", TorrentDetails, async (call, infoHash) => {
    const rarest = await inSlices(rarestOf(call.session.pieces(infoHash)));
    return {
      ...summaryOf(call.session.snapshotOf(infoHash), call.now()),
      ...jsonOf(call.session.details(infoHash)),
      ...rarest !== undefined && { rarest },
    };
  }),
  look("/files", "Its files", Files, async ({ session }, infoHash) => ({
    files: await inSlices(session.files(infoHash)),
  })),
  look("/peers", "Its connected peers", Peers, (call, infoHash) =>
    jsonOf({
      peers: call.session.snapshotOf(infoHash).peers,
    })),
  look(
    "/hosts",
    "All machines that take part in it, also those that have left",
    Hosts,
    ({ session }, infoHash) => jsonOf({ hosts: session.hosts(infoHash) }),
  ),
  look(
    "/trackers",
    "Its trackers, tier by tier",
    Trackers,
    ({ session }, infoHash) =>
      jsonOf({ trackers: [...session.trackers(infoHash), ...session.standIns(infoHash)] }),
  ),
  look(
    "/web-seeds",
    "Its web seeds",
    WebSeeds,
    ({ session }, infoHash) => jsonOf({ webSeeds: session.webSeeds(infoHash) }),
  ),
  look(
    "/pieces",
    "Its pieces, and the blocks under way: who was asked, who delivered",
    Pieces,
    async ({ session }, infoHash) => {
      const { availability, ...rest } = await inSlices(session.pieces(infoHash));
      return { ...jsonOf(rest), availability };
    },
  ),
];

/** Copies of the rarest piece, here and at connected peers; undefined where no piece is known. */
function* rarestOf(pieces: Steps<PiecesView>): Steps<number | undefined> {
  const { have, availability } = yield* pieces;
  const stored = Bitfield.fromBytes(have, availability.length)!;
  let rarest: number | undefined;
  for (let index = 0; index < availability.length; index++) {
    if (index % PIECES_PER_STEP === 0) yield;
    rarest = Math.min(rarest ?? Infinity, availability[index] + Number(stored.has(index)));
  }
  return rarest;
}
