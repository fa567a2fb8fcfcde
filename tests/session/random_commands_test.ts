/** What a user may say in any order: sessions against a model that knows only what was said last. */
import assert from "node:assert/strict";
import fs from "node:fs";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { type Arbitrary, fc } from "../harness/data/fast_check.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";

const KIB = 1024;
const FILES = new Map([
  ["album/a", randomBytes(40 * KIB, 1)],
  ["album/b", randomBytes(40 * KIB + 3, 2)],
  ["album/c", randomBytes(9, 3)],
]);
const NAMES = ["a", "b", "c"];

/** What is to be true, whatever was going on when it was said. */
interface Model {
  isPresent: boolean;
  isPaused: boolean;
  /** Names of the files that are wanted. */
  wanted: readonly string[];
  choices: Record<string, number>;
}

/** Orders of every kind. */
function anyCommand() {
  const names = fc.subarray(NAMES, { minLength: 1 });
  return fc.oneof(
    fc.constant({ what: "pause" } as const),
    fc.constant({ what: "resume" } as const),
    fc.constant({ what: "verify" } as const),
    fc.record({ what: fc.constant("select" as const), only: names }),
    fc.record({ what: fc.constant("choose" as const), uploadSlots: fc.integer({ min: 1, max: 5 }) }),
    fc.record({
      what: fc.constant("limit" as const),
      maxDownload: fc.constantFrom(60 * KIB, 1e6, undefined),
    }),
    fc.record({ what: fc.constant("remove" as const), deletesData: fc.boolean() }),
    fc.constant({ what: "add" } as const),
    fc.record({ what: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 30 }) }),
  );
}

type Command = ReturnType<typeof anyCommand> extends Arbitrary<infer Value> ? Value : never;

/** Lists of orders that each machine tries; Wine takes ten times as long for each. */
const RUNS = Deno.build.os === "windows" ? 5 : 50;
/** Each of these machines, which try orders side by side, begins with a seed of its own. */
const SEEDS = [15, 16, 17, 18];

needs("fast-check")(
  "Session does what was said last, in whatever order pause, resume, verify, select, choose, remove and add come",
  async () => {
    await using seeder = await Machine.start();
    const torrent = await seeder.publish(FILES, [], 16 * KIB);
    const infoHash = await seeder.session.add(torrent, []);
    await Promise.all(SEEDS.map((seed) => tryOrders(seeder, torrent, infoHash, seed)));
  },
);

/** Says random orders to a machine of its own, list after list. */
async function tryOrders(seeder: Machine, torrent: string, infoHash: InfoHash, seed: number): Promise<void> {
  await using machine = await Machine.start({ files: {}, runTracker: false });
  const { session } = machine;
  const isThere = () => session.snapshot().length > 0;
  const path = machine.path("torrents", "album.torrent");

  const add = (model: Model) => {
    fs.copyFileSync(torrent, path);
    const adding = session.add(path, [seeder.address]).catch(() => {});
    if (!model.isPresent) {
      Object.assign(model, { isPresent: true, isPaused: false, wanted: NAMES, choices: {} });
    }
    return adding;
  };

  /** Says one thing and holds the model to it; what takes its time is under way then. */
  const say = async (said: Command, model: Model): Promise<unknown> => {
    if (said.what === "wait") return await new Promise((resolve) => setTimeout(resolve, said.ms));
    if (said.what === "add") {
      // `add` reads the file first.
      return await Promise.race([add(model), until(isThere, "added")]);
    }
    if (!model.isPresent) {
      await assert.rejects(session.pause(infoHash), RangeError);
      return;
    }
    switch (said.what) {
      case "pause":
        model.isPaused = true;
        return await session.pause(infoHash);
      case "resume":
        model.isPaused = false;
        return await session.resume(infoHash);
      case "verify":
        return await session.verify(infoHash);
      case "select":
        model.wanted = said.only;
        return { selecting: session.select(infoHash, { only: said.only }) };
      case "choose":
        model.choices.uploadSlots = said.uploadSlots;
        return await session.choose({ uploadSlots: said.uploadSlots }, infoHash);
      case "limit":
        delete model.choices.maxDownload;
        if (said.maxDownload !== undefined) model.choices.maxDownload = said.maxDownload;
        return await session.choose({ maxDownload: said.maxDownload }, infoHash);
      case "remove":
        model.isPresent = false;
        return await session.remove(infoHash, said.deletesData);
    }
  };

  const check = async (model: Model) => {
    assert.equal(isThere(), model.isPresent);
    if (!model.isPresent) {
      assert.deepEqual([fs.existsSync(path), fs.existsSync(machine.path("state/tmp", infoHash))], [
        false,
        false,
      ]);
      return;
    }
    assert.deepEqual(session.choices(infoHash), model.choices);
    const { state } = machine.swarm(infoHash);
    assert(["checking", "paused", "downloading", "seeding"].includes(state), state);
    if (model.isPaused) {
      await until(() => machine.swarm(infoHash).state === "paused", "paused");
      await until(() => machine.swarm(infoHash).connections === 0, "alone");
      await session.resume(infoHash);
    }
    await session.choose({ maxDownload: undefined, uploadSlots: undefined }, infoHash);
    const isDone = () => machine.swarm(infoHash).state === "seeding" && machine.swarm(infoHash).missing === 0;
    await until(isDone, `it has ${model.wanted}`, 20_000);
    await machine.assertHas(
      new Map(model.wanted.map((name) => [`album/${name}`, FILES.get(`album/${name}`)!])),
    );
  };

  await fc.assert(
    fc.asyncProperty(fc.array(anyCommand(), { minLength: 1, maxLength: 9 }), async (orders) => {
      const model: Model = { isPresent: false, isPaused: false, wanted: [], choices: {} };
      await add(model);
      const selecting: Promise<void>[] = [];
      for (const said of orders) {
        const begun = await say(said, model);
        if (typeof begun === "object" && begun !== null && "selecting" in begun) {
          selecting.push(begun.selecting as Promise<void>);
        }
      }
      await Promise.allSettled(selecting);
      await check(model);
      if (isThere()) await session.remove(infoHash, true);
      fs.rmSync(machine.path("shareable/album"), { recursive: true, force: true });
    }),
    { numRuns: RUNS, seed },
  );
  assert.deepEqual(machine.namesOf("error"), []);
}
