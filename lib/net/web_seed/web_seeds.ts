import { messageOf } from "../../errors.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { WEB_SEED } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Swarm } from "../../swarm/swarm.ts";
import { HttpSeed } from "./http_seed.ts";
import type { PartServer } from "./part_server.ts";
import { Places } from "./places.ts";
import { WebSeed } from "./web_seed.ts";
import { runWebSeed } from "./web_seed_peer.ts";

/**
 * Downloads from the web seeds of a torrent, a few at a time, until the swarm is finished, no web seed is left, or
 * `signal` aborts. A web seed that pauses makes room for another one. Where a web seed is given up, the next one in the
 * list joins the web seeds that take turns.
 *
 * Shape: the second argument lists the web seeds of either kind; `paths` as for `WebSeedRanges`. `warn` gets texts for people about defects of a server. Never rejects.
 */
export async function runWebSeeds(
  swarm: Swarm,
  { webSeeds, httpSeeds }: Pick<Metainfo, "webSeeds" | "httpSeeds">,
  paths: readonly (readonly string[])[],
  { isBlocked, now }: Pick<Surroundings, "isBlocked" | "now">,
  signal: AbortSignal,
  warn: (url: string, message: string) => void,
): Promise<void> {
  const { metainfo } = swarm;
  const places = new Places(WEB_SEED.perTorrent);
  const end = new AbortController();
  const either = AbortSignal.any([signal, end.signal]);
  const use = async (url: string, open: () => PartServer) => {
    const warnOf = (message: string) => warn(url, message);
    try {
      await runWebSeed(url, open(), swarm, now, either, warnOf, places);
    } catch (error) {
      warnOf(messageOf(error));
    }
    // Web seeds that pause are not needed any more.
    if (swarm.isFinished) end.abort();
  };
  const listed = [
    ...webSeeds.map((url) => () => use(url, () => new WebSeed(url, metainfo, paths, isBlocked))),
    ...httpSeeds.map((url) => () => use(url, () => new HttpSeed(url, metainfo, isBlocked))),
  ].values();
  const useOneByOne = async () => {
    for (const useNext of listed) await useNext();
  };
  await Promise.all(Array.from({ length: WEB_SEED.takingTurns }, useOneByOne));
}
