import assert from "node:assert/strict";
import { join } from "node:path";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import type { FleetChoices, OfferView } from "../../../lib/session/session.ts";
import { sharedData, TestSession } from "../../harness/sessions/test_session.ts";

const PATIENCE_MS = 20_000;

/** Waits until something is so; `got` is told where it does not come. */
async function until(
  isSo: () => boolean,
  got: () => unknown = () => "nothing",
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    assert(performance.now() < deadline, `it is not so within ${PATIENCE_MS} ms: ${JSON.stringify(got())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A lead called `desk` that has data, and members called `pc-1`, `pc-2`, … */
class Room implements AsyncDisposable {
  readonly shared = sharedData(200_000);
  readonly #hosts: TestSession[] = [];

  static async of(...members: FleetChoices[]): Promise<Room> {
    const room = new Room();
    const lead = await room.#start("desk");
    await lead.session.fleet.create("room 7");
    await lead.seed(room.shared);
    for (const choices of members) await room.join(choices);
    return room;
  }

  async #start(name: string): Promise<TestSession> {
    const host = await TestSession.start({ name });
    this.#hosts.push(host);
    return host;
  }

  /** One more member comes, and is connected. */
  async join(choices: FleetChoices): Promise<TestSession> {
    const member = await this.#start(`pc-${this.#hosts.length}`);
    const { code } = await this.lead.session.fleet.invite();
    await member.session.fleet.join(code, [`127.0.0.1:${this.lead.session.port}`], choices);
    const { self } = member.session.fleet.view;
    await until(() => {
      const { fleet } = this.lead.session.fleet.view;
      return fleet?.members.some(({ key, isHere }) => key === self.key && isHere) ?? false;
    });
    return member;
  }

  get lead(): TestSession {
    return this.#hosts[0];
  }

  member(number: number): TestSession {
    return this.#hosts[number];
  }

  get infoHash(): InfoHash {
    return this.shared.metainfo.infoHash;
  }

  /** The offer of the torrent as a host sees it. */
  offerAt(host: TestSession): OfferView | undefined {
    const { fleet } = host.session.fleet.view;
    return fleet?.offers.find(({ infoHash }) => infoHash === this.infoHash);
  }

  /** Waits until the lead knows what its members have answered. */
  async answers(expected: Record<string, string>): Promise<OfferView> {
    let offer: OfferView | undefined;
    const states = () => Object.fromEntries((offer?.hosts ?? []).map(({ name, state }) => [name, state]));
    await until(() => {
      offer = this.offerAt(this.lead);
      return JSON.stringify(states()) === JSON.stringify(expected);
    }, states);
    return offer!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts) await host[Symbol.asyncDispose]();
  }
}

Deno.test("An offer to all is taken, asked about, or does not fit, as each member is; the lead hears it", async () => {
  await using room = await Room.of({ accept: "lead" }, { accept: "ask" }, { accept: "lead", quota: 1_000 });
  await room.lead.session.fleet.offer(room.infoHash);
  const offer = await room.answers({ "pc-1": "accepted", "pc-2": "asked", "pc-3": "full" });
  assert.deepEqual(offer.hosts?.map(({ needs, has }) => [needs, has]), [
    [undefined, undefined],
    [undefined, undefined],
    [200_000, 1_000],
  ]);
  await room.member(1).completes(room.shared);
  const { fleet } = room.member(2).session;
  assert.equal(room.member(2).session.has(room.infoHash), false);
  await fleet.accept(room.infoHash);
  await room.answers({ "pc-1": "accepted", "pc-2": "accepted", "pc-3": "full" });
  await room.member(2).completes(room.shared);
  // More room, and it is taken without a word.
  await room.member(3).session.fleet.choose({ quota: 1e9 });
  await room.member(3).completes(room.shared);
  await room.answers({ "pc-1": "accepted", "pc-2": "accepted", "pc-3": "accepted" });
  await assert.rejects(fleet.decline(room.infoHash), /use peer remove/);
  await room.member(2).session.remove(room.infoHash, true);
  await room.answers({ "pc-1": "accepted", "pc-2": "declined", "pc-3": "accepted" });
});

Deno.test("An offer to one host goes to that host alone, and who declines it does not get it", async () => {
  await using room = await Room.of({ accept: "lead" }, { accept: "ask" });
  const { fleet } = room.lead.session;
  await assert.rejects(fleet.offer(room.infoHash, ["pc-9"]), /got pc-9: no member is called that/);
  await fleet.offer(room.infoHash, ["pc-2"]);
  await room.answers({ "pc-2": "asked" });
  await until(() => room.offerAt(room.member(1))?.state === "for others");
  await assert.rejects(room.member(1).session.fleet.accept(room.infoHash), /offers this host/);
  await room.member(2).session.fleet.decline(room.infoHash);
  await room.answers({ "pc-2": "declined" });
  assert.deepEqual([1, 2].map((member) => room.member(member).session.has(room.infoHash)), [false, false]);
});

Deno.test("What is taken back is left by who does not have all of it, and stays with who has", async () => {
  await using room = await Room.of({ accept: "lead" }, { accept: "lead" });
  const { fleet } = room.lead.session;
  await room.member(2).session.choose({ maxDownload: 10_000 });
  await fleet.offer(room.infoHash);
  await room.member(1).completes(room.shared);
  await until(() => room.member(2).session.has(room.infoHash));
  await fleet.cancel(room.infoHash);
  await until(() => !room.member(2).session.has(room.infoHash));
  assert(room.member(1).session.has(room.infoHash));
  await assert.rejects(fleet.cancel(room.infoHash), /Expected a torrent that this host offers/);
  // Offered once more, it is new.
  await room.member(2).session.choose({ maxDownload: undefined });
  await fleet.offer(room.infoHash);
  await room.member(2).completes(room.shared);
});

Deno.test("A host that comes later gets what holds, and obeys no lead that it distrusts", async () => {
  await using room = await Room.of({ accept: "lead" });
  await room.lead.session.fleet.offer(room.infoHash);
  await room.member(1).completes(room.shared);
  const late = await room.join({ accept: "lead" });
  await late.completes(room.shared);
  const distrusting = await room.join({ accept: "ask" });
  await until(() => room.offerAt(distrusting)?.state === "asked");
  await distrusting.session.fleet.distrust("desk");
  assert.equal(room.offerAt(distrusting), undefined);
  await assert.rejects(distrusting.session.fleet.accept(room.infoHash), /offers this host/);
});

Deno.test("Only a lead offers, only what is shared, and a member says so in one line", async () => {
  await using room = await Room.of({ accept: "lead" });
  const { fleet } = room.member(1).session;
  await assert.rejects(fleet.offer(room.infoHash), /Expected a lead of room 7, got a member/);
  await assert.rejects(fleet.cancel(room.infoHash), /Expected a lead/);
  const unknown = "0".repeat(40) as InfoHash;
  await assert.rejects(room.lead.session.fleet.offer(unknown), /Expected a torrent of this session/);
  const magnet = `magnet:?xt=urn:btih:${"1".repeat(40)}`;
  const { infoHash } = await room.lead.session.open({ magnet });
  await assert.rejects(room.lead.session.fleet.offer(infoHash), /with metadata that is not private/);
});

Deno.test("Offers and decisions are kept over restarts", async () => {
  await using room = await Room.of({ accept: "ask" });
  await room.lead.session.fleet.offer(room.infoHash);
  await room.answers({ "pc-1": "asked" });
  await room.member(1).session.fleet.decline(room.infoHash);
  const kept = JSON.parse(await Deno.readTextFile(join(room.member(1).home, "state", "fleet.json")));
  assert.equal(kept.fleet.offers[0].decision.kind, "declined");
  const { KeptFleets } = await import("../../../lib/session/kept/kept_fleet.ts");
  const { fleet } = await KeptFleets.load(room.member(1).home);
  assert.deepEqual(fleet?.offers.map(({ decision }) => decision?.kind), ["declined"]);
});
