/** Operations on one torrent, or on all. */
import { parseInfoHash } from "../protocol/info_hash.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Choices, SwarmSnapshot } from "../session/session.ts";
import * as v from "valibot";
import { type Call, type Operation, operation } from "./operation.ts";
import { Refusal } from "./problem.ts";
import {
  FileSelection,
  Host,
  Nothing,
  Ordered,
  Peer,
  Removal,
  TorrentChoices,
  TorrentSummary,
} from "./schema.ts";
import { jsonOf, summaryOf } from "./state.ts";

/** The torrent that the path names. Errors: `Refusal` 404. */
function torrentOf({ session, parameters: { infoHash } }: Call<unknown>): InfoHash {
  const parsed = parseInfoHash(infoHash);
  if (parsed !== undefined && session.has(parsed)) return parsed;
  throw new Refusal(404, `Expected the info-hash of a torrent of this session, got ${infoHash.slice(0, 50)}`);
}

function snapshotOf(call: Call<unknown>): SwarmSnapshot {
  const infoHash = torrentOf(call);
  return call.session.snapshot().find((snapshot) => snapshot.infoHash === infoHash)!;
}

/** Gives an order to the torrent that the path names, or to every torrent (`all`). */
async function order<Body>(call: Call<Body>, give: (infoHash: InfoHash) => unknown): Promise<object> {
  const torrents = call.parameters.infoHash === "all"
    ? call.session.snapshot().map(({ infoHash }) => infoHash)
    : [torrentOf(call)];
  await Promise.all(torrents.map(give));
  return { torrents };
}

/** Choices as the session takes them: undefined goes back to the default, `Infinity` is no limit. */
export function choicesOf(body: v.InferOutput<typeof TorrentChoices>): Partial<Choices> {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, value === "none" ? Infinity : value ?? undefined]),
  );
}

/** A simple order: no body, and it holds for one torrent or all. */
function simpleOrder(
  name: string,
  summary: string,
  give: (call: Call<unknown>, infoHash: InfoHash) => unknown,
): Operation {
  return operation({
    method: "post",
    path: `/torrents/{infoHash}/${name}`,
    summary,
    body: v.strictObject({}),
    answer: Ordered,
    run: (call) => order(call, (infoHash) => give(call, infoHash)),
  });
}

export const TORRENT_OPERATIONS: readonly Operation[] = [
  operation({
    method: "get",
    path: "/torrents/{infoHash}",
    summary: "One torrent",
    answer: TorrentSummary,
    run: (call) => summaryOf(snapshotOf(call), call.now()),
  }),
  operation({
    method: "get",
    path: "/torrents/{infoHash}/peers",
    summary: "Its connected peers",
    answer: v.object({ peers: v.array(Peer) }),
    run: (call) => ({ peers: snapshotOf(call).peers.map(jsonOf) }),
  }),
  operation({
    method: "get",
    path: "/torrents/{infoHash}/hosts",
    summary: "All machines that take part in it, also those that have left",
    answer: v.object({ hosts: v.array(Host) }),
    run: (call) => ({ hosts: call.session.hosts(torrentOf(call)).map(jsonOf) }),
  }),
  simpleOrder(
    "pause",
    "Let it rest until it is resumed",
    ({ session }, infoHash) => session.pause(infoHash),
  ),
  simpleOrder(
    "resume",
    "Go on, or try again what has failed",
    ({ session }, infoHash) => session.resume(infoHash),
  ),
  simpleOrder("verify", "Check all its data again", ({ session }, infoHash) => session.verify(infoHash)),
  operation({
    method: "post",
    path: "/torrents/{infoHash}/remove",
    summary: "Leave it for good, and delete its unfinished data; its finished files too where asked for",
    body: Removal,
    answer: Ordered,
    run: (call) => order(call, (infoHash) => call.session.remove(infoHash, call.body.deleteData)),
  }),
  operation({
    method: "post",
    path: "/torrents/{infoHash}/select",
    summary: "Change which of its files are wanted, or their order",
    body: FileSelection,
    answer: Ordered,
    run: (call) => {
      const { sequential: isSequential, ...globs } = call.body;
      return order(call, (infoHash) => call.session.select(infoHash, { ...globs, isSequential }));
    },
  }),
  operation({
    method: "post",
    path: "/torrents/{infoHash}/choose",
    summary: "Choose its limits, slots and sources",
    body: TorrentChoices,
    answer: Ordered,
    run: (call) => order(call, (infoHash) => call.session.choose(choicesOf(call.body), infoHash)),
  }),
];

export const SESSION_OPERATIONS: readonly Operation[] = [
  operation({
    method: "post",
    path: "/session/choose",
    summary: "Choose limits, slots and sources for all torrents",
    body: TorrentChoices,
    answer: Nothing,
    run: async ({ session, body }) => {
      await session.choose(choicesOf(body));
      return {};
    },
  }),
  operation({
    method: "post",
    path: "/session/stop",
    summary: "Stop the process cleanly",
    body: v.strictObject({}),
    answer: Nothing,
    run: ({ stop }) => {
      stop();
      return {};
    },
  }),
];
