import { join } from "node:path";
import type { Program } from "../harness/processes/program.ts";
import { seededRandom } from "../harness/data/random.ts";
import { Campaign, type CampaignResult } from "./campaign.ts";
import { Seeder } from "./seeder.ts";
import { type Kind, workloadOf } from "./workloads.ts";

/** How long a download takes that nobody disturbs, unless another time is asked for. */
const DOWNLOAD_SECONDS = 6;

/** What is to be done. */
interface ChaosOptions {
  /** Kills in all, shared out evenly among the kinds. */
  readonly rounds: number;
  /** Bytes of one download. */
  readonly size: number;
  readonly seed: number;
  readonly kinds: readonly Kind[];
  readonly program: Program;
  readonly downloadSeconds?: number;
  /** Hears how it goes. */
  say(text: string): void;
}

/** Runs a campaign of each kind against one seeder; the folder of what failed is kept. */
export async function runChaos(options: ChaosOptions): Promise<Map<Kind, CampaignResult>> {
  const { rounds, size, kinds, program, say } = options;
  const rate = Math.ceil(size / (options.downloadSeconds ?? DOWNLOAD_SECONDS));
  const random = seededRandom(options.seed);
  const folder = await Deno.makeTempDir({ prefix: "peer-chaos-" });
  const results = new Map<Kind, CampaignResult>();
  const seeder = new Seeder(program, join(folder, "seeder"), rate);
  try {
    for (const [i, kind] of kinds.entries()) {
      const workload = workloadOf(kind, size);
      const torrents = await seeder.share(workload);
      const campaign = new Campaign({ program, seeder, rate, folder, random, say }, workload, torrents);
      const share = Math.floor(rounds * (i + 1) / kinds.length) - Math.floor(rounds * i / kinds.length);
      results.set(kind, await campaign.run(share));
    }
  } finally {
    await seeder.stop();
    const hasFailed = results.size < kinds.length ||
      results.values().some(({ failures }) => failures.length > 0);
    if (hasFailed) say(`what failed is in ${folder}`);
    else await Deno.remove(folder, { recursive: true });
  }
  return results;
}
