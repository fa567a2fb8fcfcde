import assert from "node:assert/strict";
import { withWishes } from "../../lib/session/kept/kept_choice.ts";
import { Machine } from "../harness/sessions/machine.ts";

const KEPT = {
  only: ["*.pdf"],
  skip: ["draft*"],
  positions: [{ first: 1, last: 1 }],
  first: ["a.pdf"],
  firstPositions: [{ first: 3, last: 3 }],
  isSequential: true,
};

Deno.test("withWishes keeps what is not said", () => {
  assert.deepEqual(withWishes(KEPT, {}, []), KEPT);
  assert.deepEqual(withWishes(KEPT, { first: ["b"], isSequential: false }, []), {
    ...KEPT,
    first: ["b"],
    firstPositions: [],
    isSequential: false,
  });
});

Deno.test("withWishes replaces all that says which files are wanted, and nothing else", () => {
  assert.deepEqual(withWishes(KEPT, { only: ["*"] }, []), { ...KEPT, only: ["*"], skip: [], positions: [] });
  assert.deepEqual(withWishes(KEPT, { skip: ["x"] }, []), { ...KEPT, only: [], skip: ["x"], positions: [] });
  const positions = [{ first: 5, last: 6 }];
  assert.deepEqual(withWishes(KEPT, {}, positions), { ...KEPT, only: [], skip: [], positions });
  assert.deepEqual(withWishes(KEPT, { positions }, []), { ...KEPT, only: [], skip: [], positions });
  assert.deepEqual(withWishes(KEPT, { firstPositions: positions }, []), {
    ...KEPT,
    first: [],
    firstPositions: positions,
  });
});

Deno.test("Session keeps what was chosen of a torrent, unless no file would be left", async () => {
  const files = new Map(
    ["1.pdf", "2.txt", "3.txt"].map((name) => [`course/${name}`, new Uint8Array(65_536)]),
  );
  await using machine = await Machine.start();
  const torrent = await machine.publish(files, []);
  await Deno.remove(machine.path("shareable", "course"), { recursive: true });
  const missingWith = async (wishes: { only?: string[]; skip?: string[] }) => {
    await machine.stop();
    await machine.start({ files: wishes });
    return machine.swarm(await machine.session.add(torrent, [])).missing;
  };
  assert.equal(await missingWith({}), 3);
  assert.equal(await missingWith({ only: ["*.pdf"] }), 1);
  assert.equal(await missingWith({}), 1);
  await assert.rejects(missingWith({ only: ["*.mp4"] }), RangeError);
  assert.equal(await missingWith({}), 1);
  assert.equal(await missingWith({ skip: ["*.pdf"] }), 2);
  assert.equal(await missingWith({}), 2);
});

Deno.test("Session takes the files that peer.toml names where nothing was chosen, and keeps only what was chosen", async () => {
  const files = new Map(
    ["1.pdf", "2.txt", "3.txt"].map((name) => [`course/${name}`, new Uint8Array(65_536)]),
  );
  await using machine = await Machine.start();
  const torrent = await machine.publish(files, []);
  await Deno.remove(machine.path("shareable", "course"), { recursive: true });
  const missingWith = async (
    wishes: { only?: string[] },
    configured: { only?: string[]; skip?: string[] },
  ) => {
    await machine.stop();
    await machine.start({ files: wishes, configured: { choices: {}, files: configured } });
    return machine.swarm(await machine.session.add(torrent, [])).missing;
  };
  assert.equal(await missingWith({}, { only: ["*.txt"] }), 2);
  assert.equal(await missingWith({}, {}), 3);
  assert.equal(await missingWith({ only: ["*.pdf"] }, { only: ["*.txt"], skip: ["1*"] }), 1);
  assert.equal(await missingWith({}, { only: ["*.txt"], skip: ["1*"] }), 1);
  assert.equal(await missingWith({ only: ["*"] }, { only: ["*.txt"] }), 3);
});
