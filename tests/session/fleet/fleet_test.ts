import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultOptions, type FleetView, Session } from "../../../lib/session/session.ts";
import { TestSession } from "../../harness/sessions/test_session.ts";

/** The fleet as a host sees it, once it is as `isSo` says. */
async function untilFleet(
  { session }: TestSession,
  isSo: (fleet: NonNullable<FleetView["fleet"]>) => boolean,
): Promise<NonNullable<FleetView["fleet"]>> {
  while (true) {
    const { fleet } = session.fleet.view;
    if (fleet !== undefined && isSo(fleet)) return fleet;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const placeOf = ({ session }: TestSession) => `127.0.0.1:${session.port}`;
/** A lead of a new fleet. */
async function startLead(): Promise<TestSession> {
  const lead = await TestSession.start({ name: "desk" });
  await lead.session.fleet.create("room 7");
  return lead;
}

Deno.test("A host joins a fleet by a code, both meet, and know each other again after a restart", async () => {
  await using lead = await startLead();
  const { code, state } = await lead.session.fleet.invite(1);
  assert.equal(state, "open");
  const member = await TestSession.start({ name: "pc-1" });
  await member.session.fleet.join(code.toUpperCase(), [placeOf(lead)], { accept: "lead" });
  const [atLead, atMember] = await Promise.all(
    [lead, member].map((host) => untilFleet(host, ({ members }) => members.some(({ isHere }) => isHere))),
  );
  assert.deepEqual(atLead.members.map(({ name, isLead }) => [name, isLead]), [["pc-1", false]]);
  assert.deepEqual(atMember.members.map(({ name, isLead }) => [name, isLead]), [["desk", true]]);
  assert.deepEqual([atLead.isLead, atMember.isLead, atMember.accept, atMember.name], [
    true,
    false,
    "lead",
    "room 7",
  ]);
  assert.deepEqual(atMember.leads.map(({ name }) => name), ["desk"]);
  assert.equal(atLead.invitation?.state, "all have joined");
  const path = join(member.home, "state", "fleet.json");
  if (Deno.build.os !== "windows") assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);

  const { self } = member.session.fleet.view;
  await member.session.stop();
  await untilFleet(lead, ({ members }) => members.every(({ isHere }) => !isHere));
  const again = await Session.start({
    ...defaultOptions(member.home),
    name: "pc-1",
    host: "127.0.0.1",
    port: 0,
    runTracker: false,
    localDiscovery: false,
  });
  try {
    assert.equal(again.fleet.view.self.key, self.key);
    const back = await untilFleet(lead, ({ members }) => members.some(({ isHere }) => isHere));
    assert.equal(back.members.length, 1, "it is the same member");
  } finally {
    await again.stop();
    await Deno.remove(member.home, { recursive: true });
  }
});

Deno.test("Wrong words are refused, the third time the invitation is void, and then the right words are too", async () => {
  await using lead = await startLead();
  const { code } = await lead.session.fleet.invite();
  const wrong = code.replace(/\w+$/, (word) => word === "zebra" ? "zero" : "zebra");
  for (const words of [wrong, wrong, wrong, code]) {
    await using member = await TestSession.start({ name: "pc-1" });
    await assert.rejects(
      member.session.fleet.join(words, [placeOf(lead)]),
      /refuses: wrong words, or the invitation is over/,
    );
    assert.equal(member.session.fleet.view.fleet, undefined);
  }
  const { invitation } = await untilFleet(lead, () => true);
  assert.deepEqual([invitation?.state, invitation?.joined], ["three wrong guesses", 0]);
});

Deno.test("A key brought by hand makes a member, and leads are trusted and distrusted by hand", async () => {
  await using lead = await startLead();
  await using member = await TestSession.start({ name: "pc-1" });
  const { fleet } = member.session;
  await fleet.trust(lead.session.fleet.imageKey);
  assert.throws(() => fleet.imageKey, /Expected a lead/);
  await assert.rejects(fleet.invite(), /Expected a lead of room 7, got a member/);
  await assert.rejects(fleet.create("another"), /leave that first/);
  await using other = await TestSession.start({ name: "other" });
  const self = await other.session.fleet.ownKey();
  assert.equal(other.session.fleet.view.self.key, self.key);
  await fleet.trust(self.key);
  assert.deepEqual((await untilFleet(member, () => true)).leads.map(({ name }) => name), ["desk", ""]);
  await fleet.distrust(self.fingerprint.toUpperCase());
  await assert.rejects(fleet.distrust(self.key), /one lead, got none/);
  await fleet.distrust("desk");
  assert.deepEqual((await untilFleet(member, () => true)).leads, []);
  await assert.rejects(other.session.fleet.trust(self.key), /Expected a member of a fleet/);
  await assert.rejects(fleet.trust("nonsense"), /Expected a key/);
  await fleet.leave();
  await assert.rejects(fleet.leave(), /Expected a member of a fleet, got a host without one/);
  assert.equal(fleet.view.fleet, undefined);
});

Deno.test("A session does not begin with keys that cannot be read, and leaves them as they are", async () => {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(join(home, "state"));
  const path = join(home, "state", "fleet.json");
  for (const text of ["", "{", '{"seed":"00"}', '{"fleet":{"name":"x"}}']) {
    await Deno.writeTextFile(path, text);
    await assert.rejects(
      Session.start({ ...defaultOptions(home), host: "127.0.0.1", port: 0, runTracker: false }),
      /Expected the keys of a fleet in state\/fleet.json/,
    );
    assert.equal(await Deno.readTextFile(path), text);
  }
  await Deno.remove(home, { recursive: true });
});
