/** Operations that change one torrent, or all. */
import { isAbsolute, join, resolve } from "node:path";
import type { GenericSchema } from "valibot";
import { inSlices } from "../../disk/time_slices.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { isAllowedFolder } from "../access/output_folders.ts";
import { Refusal } from "../problem.ts";
import { Ordered } from "./answers.ts";
import {
  Empty,
  FileSelection,
  Labels,
  Move,
  NewPeers,
  Relocation,
  Removal,
  TorrentChoices,
  TrackerChanges,
  WebSeedChanges,
} from "./bodies.ts";
import { choicesOf } from "./choices.ts";
import { wishesAfter, wishesOf } from "./file_wishes.ts";
import { type Call, type Operation, operation } from "./operation.ts";
import { torrentOf } from "./torrent_look.ts";

/** An order for the torrent that the path names, or for every torrent (`all`). */
function order<Body>(
  name: string,
  summary: string,
  body: GenericSchema<unknown, Body>,
  give: (call: Call<Body>, infoHash: InfoHash) => unknown,
): Operation {
  return operation<Body>({
    method: "post",
    path: `/torrents/{infoHash}/${name}`,
    summary,
    body,
    answer: Ordered,
    run: async (call) => {
      const torrents = call.parameters.infoHash === "all"
        ? call.session.snapshot().map(({ infoHash }) => infoHash)
        : [torrentOf(call)];
      await Promise.all(torrents.map((infoHash) => give(call, infoHash)));
      return { torrents };
    },
  });
}

export const TORRENT_ORDERS: readonly Operation[] = [
  order("pause", "Let it rest until it is resumed", Empty, ({ session }, infoHash) => {
    return session.pause(infoHash);
  }),
  order("resume", "Go on, or try again what has failed", Empty, ({ session }, infoHash) => {
    return session.resume(infoHash);
  }),
  order("verify", "Check all its data again", Empty, ({ session }, infoHash) => session.verify(infoHash)),
  order("reannounce", "Ask its trackers again", Empty, ({ session }, infoHash) => {
    session.reannounce(infoHash);
  }),
  order(
    "remove",
    "Leave it for good, and delete its unfinished data; its finished files too where asked for",
    Removal,
    ({ session, body: { deleteData } }, infoHash) => session.remove(infoHash, deleteData),
  ),
  order(
    "select",
    "Change which of its files are wanted, or their order",
    FileSelection,
    async ({ session, body }, infoHash) => {
      const wishes = body.files === undefined
        ? wishesOf(body)
        : wishesAfter(body, await inSlices(session.files(infoHash)));
      await session.select(infoHash, wishes);
    },
  ),
  order("choose", "Choose its limits, slots and sources", TorrentChoices, ({ session, body }, infoHash) => {
    return session.choose(choicesOf(body), infoHash);
  }),
  order("labels", "Replace its labels", Labels, ({ session, body: { labels } }, infoHash) => {
    return session.label(infoHash, labels);
  }),
  order(
    "trackers",
    "Add trackers, to a tier or in tiers of their own, and drop others",
    TrackerChanges,
    async ({ session, body: { add = [], tier, drop = [] } }, infoHash) => {
      for (const url of add) await session.addTracker(infoHash, url, tier);
      for (const url of drop) await session.dropTracker(infoHash, url);
    },
  ),
  order(
    "web-seeds",
    "Add and drop web seeds",
    WebSeedChanges,
    async ({ session, body: { add = [], drop = [] } }, infoHash) => {
      for (const url of add) await session.addWebSeed(infoHash, url);
      for (const url of drop) await session.dropWebSeed(infoHash, url);
    },
  ),
  order("queue", "Move it within the queue", Move, ({ session, body: { to } }, infoHash) => {
    return session.queueMove(infoHash, to);
  }),
  order(
    "relocate",
    "Put its data into another folder; the answer comes before all is moved",
    Relocation,
    ({ session, door, outputFolders, body: { folder, moveData } }, infoHash) => {
      if (!isAbsolute(folder)) throw new Refusal(400, `Expected an absolute path, got ${folder}`);
      const own = join(session.process().home, "shareable");
      if (door !== "control" && resolve(folder) !== own && !isAllowedFolder(folder, outputFolders)) {
        throw new Refusal(403, `Expected a folder that --output-folders allows, got ${folder}`);
      }
      return session.relocate(infoHash, folder, moveData);
    },
  ),
  order("peers", "Dial peers at once", NewPeers, ({ session, body: { add } }, infoHash) => {
    session.addPeers(infoHash, add);
  }),
];
