import assert from "node:assert/strict";
import { randomBytes } from "../../harness/data/random.ts";
import { Machine } from "../../harness/sessions/machine.ts";

const BOOK = new Map([["book.epub", randomBytes(100 * 1024, 5)]]);

Deno.test("the doctor finds two machines that claim one address, and leaves nothing behind", async () => {
  await using announcer = await Machine.start();
  const infoHash = await announcer.session.add(await announcer.publish(BOOK, [announcer.tracker]), []);
  const announce = async (name: string) => {
    const hash = infoHash.replace(/../g, "%$&");
    const key = name.charCodeAt(0);
    const query = `info_hash=${hash}&peer_id=-PD0200-${
      name.padEnd(12, "x")
    }&port=7000&left=1&ip=10.0.0.7&key=${key}`;
    await (await fetch(`${announcer.tracker}?uploaded=0&downloaded=0&${query}`)).body?.cancel();
  };
  const findings = async () =>
    (await announcer.session.examine(infoHash)).checks.map(({ finding }) => finding);
  for (const name of ["a", "b", "b"]) await announce(name);
  const isTold = (finding: string) => finding.includes("two machines announce themselves as 10.0.0.7:7000");
  assert.ok(!(await findings()).some(isTold), "a machine that has begun anew is one machine");
  for (const name of ["a", "b"]) await announce(name);
  assert.ok((await findings()).some(isTold), `${await findings()}`);
  const left = [...Deno.readDirSync(announcer.path("state"))].filter(({ name }) => name.startsWith("doctor"));
  assert.deepEqual(left, []);
});
