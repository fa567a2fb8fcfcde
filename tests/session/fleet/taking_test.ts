/** How a member takes offers, with a fleet whose lead is the test itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { SigningKey } from "../../../lib/protocol/cryptography.ts";
import { fleetHash } from "../../../lib/protocol/fleet_channel.ts";
import { infoHashOf } from "../../../lib/protocol/info_hash.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import {
  encodeStatement,
  type Offer,
  parseStatement,
  signOffer,
} from "../../../lib/protocol/offer_messages.ts";
import { Offers } from "../../../lib/session/fleet/offers.ts";
import { freshFleet, type KeptFleet, KeptFleets } from "../../../lib/session/kept/kept_fleet.ts";
import type { AddOptions, SessionEvent } from "../../../lib/session/session.ts";
import type { Torrents } from "../../../lib/session/torrents.ts";
import { Tasks } from "../../../lib/session/work/tasks.ts";
import { FLEET } from "../../../lib/settings.ts";
import type { MemberLink } from "../../../lib/swarm/fleet/fleet_extension.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";

const FLEET_KEY = new Uint8Array(32).fill(1);
const HASH = fleetHash(FLEET_KEY);
const LEAD = new SigningKey(new Uint8Array(32).fill(2));
/** In seconds. */
const NOW = 1_000_000;
const hashOf = (number: number) => infoHashOf(Uint8Array.of(number));

/** A torrent of the member's session. */
interface Held {
  isUnfinished: boolean;
  readonly link: string;
  readonly options?: AddOptions;
}

/** A member whose torrents are names only. */
class Member implements AsyncDisposable {
  readonly home: string;
  readonly kept: KeptFleets;
  readonly torrents = new Map<InfoHash, Held>();
  readonly events: SessionEvent[] = [];
  readonly answers: string[] = [];
  readonly #tasks = new Tasks();
  now = NOW;
  offers: Offers;
  #link: MemberLink;

  private constructor(home: string, kept: KeptFleets) {
    this.home = home;
    this.kept = kept;
    [this.offers, this.#link] = this.#begin();
  }

  static async start(changes: Partial<KeptFleet> = {}): Promise<Member> {
    const home = await Deno.makeTempDir();
    await Promise.all(["state", "shareable"].map((name) => Deno.mkdir(join(home, name))));
    const kept = await KeptFleets.load(home);
    const lead = { key: LEAD.publicKey, name: "desk" };
    await kept.change({ ...freshFleet("room 7", FLEET_KEY, lead), accept: "lead", quota: 1_000, ...changes });
    return new Member(home, kept);
  }

  /** Begins as a session does with what is kept; the lead is connected. */
  #begin(): [Offers, MemberLink] {
    const torrents = {
      has: (infoHash: InfoHash) => this.torrents.has(infoHash),
      get: (infoHash: InfoHash) => ({
        isUnfinished: this.torrents.get(infoHash)!.isUnfinished,
        parts: { metainfo: { files: [{ path: ["x", "y"] }] } },
        will: { kept: {} },
        snapshot: () => ({ left: 0 }),
      }),
      open: ({ magnet }: { magnet: string }, options: AddOptions) => {
        const infoHash = /btih:(\w{40})/.exec(magnet)![1] as InfoHash;
        this.torrents.set(infoHash, { isUnfinished: true, link: magnet, options });
        return Promise.resolve({ infoHash, isNew: true });
      },
      remove: (infoHash: InfoHash) => {
        this.torrents.delete(infoHash);
        return Promise.resolve();
      },
    } as unknown as Torrents;
    const offers = new Offers(this.kept, this.kept.fleet!, HASH, { isHere: () => true }, {
      home: this.home,
      torrents,
      surroundings: testSurroundings({ wallClock: () => this.now * 1_000 }),
      tasks: this.#tasks,
      observe: (event) => this.events.push(event),
    });
    const link: MemberLink = {
      member: { key: LEAD.publicKey, name: "desk", macs: [] },
      peer: fakePeer(1, 0).peer,
      send: (message) => {
        const statement = parseStatement(message);
        if (statement?.type === "answer") this.answers.push(statement.statement.kind);
      },
    };
    offers.opened(link);
    return [offers, link];
  }

  /** The same home after a restart. */
  async restart(): Promise<void> {
    await this.settled();
    this.answers.length = 0;
    [this.offers, this.#link] = this.#begin();
  }

  async settled(): Promise<void> {
    await this.#tasks.settled();
    await this.kept.settled;
  }

  /** The lead offers something, and the member has decided. */
  async hear(number: number, changes: Partial<Offer> = {}): Promise<void> {
    const data = { name: `file ${number}`, length: 100, files: 1, trackers: [] };
    const offer = {
      fleet: HASH,
      lead: LEAD.publicKey,
      seq: number,
      issued: NOW - 10,
      expires: NOW + 1_000,
      to: [],
      infoHash: hashOf(number),
      data,
      ...changes,
    };
    this.offers.received(this.#link, encodeStatement(signOffer(offer, LEAD)), 0);
    await this.settled();
  }

  /** How the member takes what it was offered, by name. */
  get states(): Record<string, string> {
    return Object.fromEntries(this.offers.views.map(({ name, state }) => [name, state]).sort());
  }

  /** The torrents that it has. */
  get has(): InfoHash[] {
    return [...this.torrents.keys()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    await Deno.remove(this.home, { recursive: true });
  }
}

const DATA = { name: "x", length: 100, files: 1, trackers: ["http://10.0.0.5:6969/announce"] };

Deno.test("A member takes what a trusted lead offers, with its trackers, once, also after a restart", async () => {
  await using member = await Member.start();
  await member.hear(1, { data: DATA });
  assert.deepEqual([member.has, member.answers], [[hashOf(1)], ["accepted"]]);
  assert.match(member.torrents.get(hashOf(1))!.link, /dn=x&tr=http%3A%2F%2F10\.0\.0\.5/);
  await member.hear(1, { data: DATA });
  await member.restart();
  assert.deepEqual(member.answers, ["accepted"], "the lead hears it again");
  member.torrents.clear();
  await member.hear(1, { data: DATA });
  assert.deepEqual([member.has, member.events.length], [[], 1], "a replay changes nothing, and is not told");
});

Deno.test("A member does not take what has expired by its clock: it is shown, and its user may take it", async () => {
  await using member = await Member.start();
  await member.hear(1, { issued: NOW - 200, expires: NOW - 100 });
  assert.deepEqual([member.has, member.states, member.answers], [[], { "file 1": "expired" }, []]);
  await member.offers.accept(hashOf(1));
  assert.deepEqual([member.has, member.states], [[hashOf(1)], { "file 1": "accepted" }]);
});

Deno.test("A member does not take what is for others, or what has a name that leads elsewhere", async () => {
  await using member = await Member.start();
  await member.hear(1, { to: [LEAD.publicKey] });
  for (const [at, name] of ["../x", "/etc/passwd", "..", "", "C:\\x"].entries()) {
    await member.hear(2 + at, { data: { ...DATA, name } });
  }
  assert.deepEqual([member.has, member.answers], [[], Array(5).fill("declined")]);
  assert.equal(member.states["file 1"], "for others");
});

Deno.test("A member takes as much as its quota has room for, and more when its user has removed something", async () => {
  await using member = await Member.start({ quota: 250 });
  for (const number of [1, 2, 3]) await member.hear(number);
  assert.deepEqual([member.has, member.answers], [[hashOf(1), hashOf(2)], ["accepted", "accepted", "full"]]);
  // What is complete and was taken back stays, and still counts.
  member.torrents.get(hashOf(1))!.isUnfinished = false;
  await member.hear(4, { infoHash: hashOf(1), data: undefined });
  member.offers.lookAgain();
  await member.settled();
  assert.deepEqual([member.has, member.states["file 3"]], [[hashOf(1), hashOf(2)], "full"]);
  member.torrents.delete(hashOf(1));
  member.offers.torrentRemoved(hashOf(1));
  member.offers.lookAgain();
  await member.settled();
  assert.deepEqual([member.has, member.states["file 3"]], [[hashOf(2), hashOf(3)], "accepted"]);
});

Deno.test("Without a quota, leads may fill half of what is free", async () => {
  await using member = await Member.start({ quota: undefined });
  const { bavail, bsize } = await (await import("node:fs/promises")).statfs(member.home);
  await member.hear(1, { data: { ...DATA, length: Math.floor(bavail * bsize * 0.9) } });
  assert.deepEqual([member.has, member.answers], [[], ["full"]]);
  await member.hear(2, { data: { ...DATA, length: Math.floor(bavail * bsize * 0.1) } });
  assert.deepEqual(member.has, [hashOf(2)]);
});

Deno.test("A member fetches a few offers at a time, and the others when those are complete", async () => {
  await using member = await Member.start();
  for (let number = 1; number <= FLEET.fetched + 2; number++) await member.hear(number);
  assert.equal(member.has.length, FLEET.fetched);
  assert.deepEqual(member.answers.slice(-2), ["busy", "busy"]);
  for (const torrent of member.torrents.values()) torrent.isUnfinished = false;
  member.offers.tick(FLEET.lookAgainMs);
  await member.settled();
  assert.equal(member.has.length, FLEET.fetched + 2);
});

Deno.test("A torrent that is larger than what was offered is left as soon as its metadata says so", async () => {
  await using member = await Member.start();
  await member.hear(1);
  member.offers.torrentJoined(hashOf(1), 100);
  assert.deepEqual(member.has, [hashOf(1)]);
  member.offers.torrentJoined(hashOf(1), 101);
  await member.settled();
  assert.deepEqual([member.has, member.answers], [[], ["accepted", "declined"]]);
  member.offers.torrentJoined(hashOf(9), 1e12);
});

Deno.test("A new version of the same name goes into a folder of its own, and uses the data of the one before", async () => {
  await using member = await Member.start();
  const shareable = join(member.home, "shareable");
  await member.hear(1, { data: DATA });
  const placeOf = (number: number) => {
    const { folder, reuse } = member.torrents.get(hashOf(number))!.options!;
    return { folder, reuse };
  };
  assert.deepEqual(placeOf(1), { folder: undefined, reuse: [] });
  // It is not in its place yet, and of no use.
  await member.hear(2, { data: { ...DATA, replaces: hashOf(1) } });
  assert.deepEqual(placeOf(2), { folder: undefined, reuse: [] });
  await Deno.writeTextFile(join(shareable, "x"), "");
  // It is in its place, and then it counts as complete.
  for (const [number, isUnfinished] of [[3, true], [5, false]] as const) {
    member.torrents.get(hashOf(1))!.isUnfinished = isUnfinished;
    await member.hear(number, { data: { ...DATA, replaces: hashOf(1) } });
    assert.deepEqual(placeOf(number), {
      folder: join(shareable, hashOf(number).slice(0, 8)),
      reuse: [join(shareable, "x")],
    });
  }
  await member.hear(4, { data: { ...DATA, name: "z", replaces: hashOf(99) } });
  assert.deepEqual(placeOf(4), { folder: undefined, reuse: [] });
});

Deno.test("A cancel leaves what is unfinished, and never what the user had before", async () => {
  await using member = await Member.start();
  member.torrents.set(hashOf(2), { isUnfinished: true, link: "the user's own" });
  await member.hear(1);
  await member.hear(2);
  assert.deepEqual(member.answers, ["accepted", "accepted"]);
  await member.hear(3, { infoHash: hashOf(1), data: undefined });
  await member.hear(4, { infoHash: hashOf(2), data: undefined });
  assert.deepEqual(member.has, [hashOf(2)]);
  // The first offer once more is older than the cancel.
  await member.hear(1);
  assert.deepEqual(member.has, [hashOf(2)]);
});

Deno.test("A member that asks its user takes nothing by itself, and remembers a no when the offer is renewed", async () => {
  await using member = await Member.start({ accept: "ask" });
  await member.hear(1);
  assert.deepEqual([member.has, member.answers], [[], ["asked"]]);
  const [event] = member.events;
  assert.deepEqual(event, {
    event: "offer",
    infoHash: hashOf(1),
    name: "file 1",
    lead: "desk",
    state: "asked",
  });
  await member.offers.decline(hashOf(1));
  await member.hear(2, { infoHash: hashOf(1) });
  assert.deepEqual([member.has, member.answers], [[], ["asked", "declined", "declined"]]);
  await member.offers.accept(hashOf(1));
  assert.deepEqual(member.has, [hashOf(1)]);
});

Deno.test("Offers of a lead that is distrusted are neither shown nor taken, and what it has put here stays", async () => {
  await using member = await Member.start();
  await member.hear(1);
  await member.kept.change({ ...member.kept.fleet!, leads: [] });
  await member.hear(2);
  await member.hear(3, { infoHash: hashOf(1), data: undefined });
  assert.deepEqual([member.has, member.states], [[hashOf(1)], {}]);
});
