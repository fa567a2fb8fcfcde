/** A session that does the orders that come as lines of JSON, and says when each is kept: `kept_orders.ts` kills it. */
import { join } from "node:path";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { defaultOptions, Session, torrentPaths } from "../../lib/session/session.ts";
import { linesOf } from "../harness/processes/lines.ts";
import type { KeptState, Order } from "./kept_orders.ts";
import { finish } from "../../lib/protocol/steps.ts";

const [home] = Deno.args;
const session = await Session.start({
  ...defaultOptions(home),
  host: "127.0.0.1",
  port: 0,
  runTracker: false,
  localDiscovery: false,
});
await session.addKept([]);
for (const path of await torrentPaths(join(home, "torrents"))) await session.add(path, []);

function state(): KeptState {
  return {
    choices: session.choices(),
    bans: [...session.bans()].sort(),
    torrents: session.snapshot().map(({ infoHash, isPaused, labels, number }) => ({
      infoHash,
      number,
      isPaused,
      labels: [...labels],
      choices: session.choices(infoHash),
      trackers: session.trackers(infoHash).map(({ url }) => url),
      wanted: finish(session.files(infoHash)).filter(({ isWanted }) => isWanted).map(({ path }) => path),
    })),
  };
}

async function give(order: Order): Promise<unknown> {
  const infoHash = order.infoHash as InfoHash;
  switch (order.what) {
    case "open": {
      const { isPaused, labels } = order;
      const origin = "magnet" in order.origin
        ? order.origin
        : { bytes: Uint8Array.fromBase64(order.origin.bytes) };
      return await session.open(origin, { isPaused, labels });
    }
    case "pause":
      return await session.pause(infoHash);
    case "resume":
      return await session.resume(infoHash);
    case "verify":
      return await session.verify(infoHash);
    case "label":
      return await session.label(infoHash, order.labels);
    case "choose":
      return await session.choose({ uploadSlots: order.uploadSlots }, infoHash);
    case "chooseAll":
      return await session.choose({ downloadSources: order.downloadSources });
    case "select":
      return await session.select(infoHash, { only: order.only });
    case "addTracker":
      return await session.addTracker(infoHash, order.url);
    case "dropTracker":
      return await session.dropTracker(infoHash, order.url);
    case "ban":
      return await session.ban(order.address);
    case "unban":
      return await session.unban(order.address);
    case "top":
      return await session.queueMove(infoHash, "top");
    case "remove":
      return await session.remove(infoHash, false);
  }
}

console.log(JSON.stringify(state()));
for await (const line of linesOf(Deno.stdin.readable)) {
  await give(JSON.parse(line));
  console.log("kept");
}
