/** A member of a fleet that does harm, over a real connection, with an honest offer beside it. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { encode } from "../../../lib/protocol/bencode.ts";
import { SigningKey } from "../../../lib/protocol/cryptography.ts";
import {
  encodeExtendedHandshake,
  EXTENDED_HANDSHAKE_ID,
  OUR_EXTENSIONS,
  parseExtendedHandshake,
} from "../../../lib/protocol/extension_messages.ts";
import { FleetChannel, fleetHash } from "../../../lib/protocol/fleet_channel.ts";
import { readCredentialsText } from "../../../lib/protocol/fleet_key.ts";
import { infoHashOf } from "../../../lib/protocol/info_hash.ts";
import { encodeStatement, type Offer, signOffer } from "../../../lib/protocol/offer_messages.ts";
import { encodeExtended, MessageId } from "../../../lib/protocol/peer_messages.ts";
import { heapBytes } from "../../harness/data/heap.ts";
import { Attacker } from "../../hostile/attacker.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { sharedData, TestSession } from "../../harness/sessions/test_session.ts";

/** Messages of a flood in one write. */
const AT_ONCE = 10;

/** A connection of a host to a session of a fleet, under its hash. */
class Line implements Disposable {
  readonly #attacker: Attacker;
  readonly #channel: FleetChannel;
  readonly #ended: Promise<void>;
  readonly #opened = Promise.withResolvers<void>();
  /** What came under our number of `peer_fleet`. */
  readonly heard: Uint8Array[] = [];

  private constructor(attacker: Attacker, channel: FleetChannel) {
    this.#attacker = attacker;
    this.#channel = channel;
    this.#ended = attacker.listen(async (message) => {
      if (message.id !== MessageId.extended) return;
      if (message.extendedId === EXTENDED_HANDSHAKE_ID) {
        const { extensions } = parseExtendedHandshake(message.payload);
        assert.equal(extensions.get("peer_fleet"), OUR_EXTENSIONS.peer_fleet);
        return await this.say(channel.hello);
      }
      if (message.extendedId !== OUR_EXTENSIONS.peer_fleet) return;
      this.heard.push(message.payload.slice());
      const { reply } = channel.receive(message.payload);
      if (reply === undefined) return;
      await this.say(reply);
      this.#opened.resolve();
    });
  }

  /** Connects as a host that knows `fleetKey`, and has any key of its own. */
  static async connect(
    port: number,
    hash: ReturnType<typeof fleetHash>,
    fleetKey: Uint8Array,
  ): Promise<Line> {
    const attacker = await Attacker.connect(port, hash, {
      peerId: crypto.getRandomValues(new Uint8Array(20)),
    });
    const [seed, secret] = [0, 1].map(() => crypto.getRandomValues(new Uint8Array(32)));
    const own = { fleetKey, key: new SigningKey(secret), name: "mallory", macs: [] };
    const line = new Line(attacker, new FleetChannel(own, true, seed));
    const handshake = encodeExtendedHandshake({
      extensions: ["peer_fleet"],
      client: "x",
      listenPort: 1,
      maxQueuedRequests: 1,
      trackerPort: undefined,
      metadataLength: undefined,
    });
    await attacker.send(encodeExtended(EXTENDED_HANDSHAKE_ID, handshake));
    return line;
  }

  /** Resolves when both have proved themselves. */
  get opened(): Promise<void> {
    return Promise.race([
      this.#opened.promise,
      this.#ended.then(() => assert.fail("Expected to be a member, got the end of the connection")),
    ]);
  }

  get isDropped(): boolean {
    return this.#attacker.isDropped;
  }

  /** Resolves when the other side has ended the connection. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  say(...payloads: Uint8Array[]): Promise<void> {
    return this.#attacker.send(
      ...payloads.map((payload) => encodeExtended(OUR_EXTENSIONS.peer_fleet, payload)),
    );
  }

  /** Says a message so many times, sealed, as long as anybody listens. */
  async flood(count: number, message: Uint8Array): Promise<void> {
    for (let sent = 0; sent < count && !this.isDropped; sent += AT_ONCE) {
      await this.say(...Array.from({ length: AT_ONCE }, () => this.#channel.seal(message)));
    }
  }

  [Symbol.dispose](): void {
    this.#attacker[Symbol.dispose]();
  }
}

/** A lead and a member, and what a hostile member knows. */
async function room() {
  const stack = new AsyncDisposableStack();
  const lead = stack.use(await TestSession.start({ name: "desk" }));
  await lead.session.fleet.create("room 7");
  const shared = sharedData(200_000);
  await lead.seed(shared);
  const member = stack.use(await TestSession.start({ name: "pc-1" }));
  const { code } = await lead.session.fleet.invite();
  await member.session.fleet.join(code, [`127.0.0.1:${lead.session.port}`], { accept: "lead" });
  const { fleetKey, lead: { key } } = readCredentialsText(lead.session.fleet.imageKey)!;
  return { lead, member, shared, fleetKey, leadKey: key, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const memberTest = needs("linux");

memberTest(
  "10,000 bad offers a second change nothing, are told once, and hold up no honest one",
  async () => {
    await using hosts = await room();
    const { lead, member, shared, fleetKey, leadKey } = hosts;
    const hash = fleetHash(fleetKey);
    const nowS = Math.floor(Date.now() / 1_000);
    const offer = (changes: Partial<Offer>, key = new SigningKey(new Uint8Array(32))) =>
      encodeStatement(signOffer({
        fleet: hash,
        lead: leadKey,
        seq: 2 ** 40,
        issued: nowS,
        expires: nowS + 1_000,
        to: [],
        infoHash: infoHashOf(Uint8Array.of(1)),
        data: { name: "evil", length: 1, files: 1, trackers: [] },
        ...changes,
      }, key));
    const own = new SigningKey(new Uint8Array(32).fill(1));
    const messages = [
      offer({}),
      offer({ fleet: infoHashOf(Uint8Array.of(9)) }),
      offer({ lead: own.publicKey }, own),
      offer({ expires: nowS - 10 * 24 * 3_600, issued: 0 }),
      encode({ b: new Uint8Array(9_000), s: "" }),
      encode({ x: 1 }),
      new Uint8Array(100),
    ];
    const before = member.session.snapshot().length;
    const startedAt = performance.now();
    const usedBefore = heapBytes();
    await lead.session.fleet.offer(shared.metainfo.infoHash);
    // Each kind for itself, again and again, and by hosts that come back.
    for (const message of messages) {
      for (const count of [10_000, 10, 10]) {
        using line = await Line.connect(member.session.port, hash, fleetKey);
        await Promise.race([line.opened.catch(() => {}), line.ended]);
        await line.flood(count, message);
      }
    }
    await member.completes(shared);
    const seconds = (performance.now() - startedAt) / 1_000;
    const grownMib = (heapBytes() - usedBefore) / 2 ** 20;
    console.log(`${messages.length} floods in ${seconds.toFixed(1)} s, ${grownMib.toFixed(0)} MiB`);
    assert(grownMib < 32, `${grownMib} MiB`);
    assert.equal(member.session.snapshot().length, before + 1);
    const { fleet } = member.session.fleet.view;
    assert.deepEqual(fleet?.offers.map(({ name }) => name), [shared.metainfo.name]);
    const told = member.log.filter((line) => / (warn|info) .*(honest member|mallory at)/.test(line));
    assert.equal(told.length, 1, told.join("\n"));
  },
);

memberTest("A stranger that connects under the hash of a fleet hears nothing, whatever he says", async () => {
  await using hosts = await room();
  const { lead, fleetKey } = hosts;
  const hash = fleetHash(fleetKey);
  using stranger = await Line.connect(lead.session.port, hash, new Uint8Array(32).fill(9));
  for (let number = 0; number < 50; number++) {
    await stranger.say(crypto.getRandomValues(new Uint8Array(65 + number)));
  }
  for (let type = 0; type < 4; type++) await stranger.say(new Uint8Array(65).fill(type, 0, 1));
  await delay(300);
  assert.deepEqual(stranger.heard, []);
  const { fleet } = lead.session.fleet.view;
  assert.deepEqual(fleet?.members.map(({ name }) => name), ["pc-1"]);
  // One that knows the key is answered.
  using member = await Line.connect(lead.session.port, hash, fleetKey);
  await member.opened;
  assert(member.heard.length > 0);
});
