import assert from "node:assert/strict";
import { TrackerTraffic } from "../../../lib/net/tracker/tracker_traffic.ts";
import { lookupHash, type LookupKind } from "../../../lib/protocol/lookup_hash.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import { skeyHash } from "../../../lib/protocol/mse.ts";
import { type Answering, Lookups } from "../../../lib/session/fleet/lookups.ts";
import { Tasks } from "../../../lib/session/work/tasks.ts";
import { CONNECTIONS, LOOKUP } from "../../../lib/settings.ts";
import type { Extension } from "../../../lib/swarm/extensions/extension.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import { SwarmRegistry } from "../../../lib/swarm/swarm_registry.ts";
import { seededRandom } from "../../harness/data/random.ts";
import { factsOf, FakeSender, peerIdOf } from "../../harness/sessions/remote_peers.ts";
import { ownOptions } from "../../harness/sessions/surroundings.ts";

const extension: Extension = { name: "peer_share", offered() {}, received() {}, peerLeft() {} };
const hashOf = (number: number, kind: LookupKind = "share") =>
  lookupHash(kind, Uint8Array.of(number >> 8, number));

/** Lookups with a clock that the test sets, where strangers may ask under all of `answered`. */
class Looking {
  now = 0;
  readonly dialled: InfoHash[] = [];
  readonly tasks = new Tasks();
  readonly registry = new SwarmRegistry(
    new TrackerTable({ open: false, random: seededRandom(1), ownAddressFor: () => undefined }),
    { peerId: peerIdOf(100), port: 6881 },
  );
  readonly lookups: Lookups;

  constructor(answered: readonly InfoHash[] = []) {
    const answering: Answering = {
      isAnswered: (infoHash) => answered.includes(infoHash),
      extensionFor: () => extension,
      findInfoHash: (hash) => answered.find((infoHash) => skeyHash(infoHash) === hash),
    };
    this.lookups = new Lookups({
      ...ownOptions({ now: () => this.now }),
      registry: this.registry,
      trackerTraffic: new TrackerTraffic(() => this.now, 1),
      dial: ({ infoHash }) => void this.dialled.push(infoHash),
      standingChanged() {},
      tasks: this.tasks,
    }, answering);
  }

  /** The lookups that have begun, by their hashes. */
  get open(): InfoHash[] {
    return Array.from(this.registry.swarms, ({ infoHash }) => infoHash);
  }
}

Deno.test("Lookups joins a lookup for several owners, announces it, and ends it with the last of them", async () => {
  const { lookups, registry, dialled, tasks } = new Looking();
  const infoHash = hashOf(1, "fleet");
  const [one, other] = [1, 2].map(() => lookups.join({ infoHash, extension, peers: ["10.0.0.1:6881"] }));
  assert.equal(one.swarm, other.swarm);
  assert.deepEqual([lookups.announced, registry.find(infoHash)], [[infoHash], one.swarm]);
  assert(dialled.includes(infoHash));
  assert.deepEqual(one.swarm.knownPeers, ["10.0.0.1:6881"]);
  one.leave();
  one.leave();
  assert.deepEqual(lookups.announced, [infoHash]);
  other.leave();
  assert.deepEqual([lookups.announced, registry.find(infoHash)], [[], undefined]);
  await tasks.settled();
});

Deno.test("Lookups begins what strangers may ask for, announces it to nobody, and ends it when nobody asks", () => {
  const looking = new Looking([hashOf(1)]);
  const { lookups } = looking;
  assert.deepEqual([lookups.isKnown(hashOf(1)), lookups.isKnown(hashOf(2)), looking.open], [true, false, []]);
  assert.equal(lookups.findInfoHash(skeyHash(hashOf(1))), hashOf(1));
  assert.equal(lookups.find(hashOf(2)), undefined);
  const swarm = lookups.find(hashOf(1))!;
  assert.deepEqual([lookups.find(hashOf(1)), looking.open, lookups.announced], [swarm, [hashOf(1)], []]);
  const peer = swarm.peerConnected(factsOf(1), new FakeSender(), 0);
  lookups.tick(LOOKUP.idleMs);
  assert.deepEqual(looking.open, [hashOf(1)]);
  swarm.peerClosed(peer, "it left", LOOKUP.idleMs);
  lookups.tick(2 * LOOKUP.idleMs);
  assert.deepEqual(looking.open, []);
});

Deno.test("Lookups has a bound for what strangers begin, and none of them keeps another one out", () => {
  const hashes = Array.from({ length: 300 }, (_, number) => hashOf(number));
  const looking = new Looking(hashes);
  const { lookups } = looking;
  const joined = lookups.join({ infoHash: hashOf(1, "fleet"), extension });
  for (const infoHash of hashes) {
    assert(lookups.find(infoHash) !== undefined);
    assert(looking.open.length <= LOOKUP.answering + 1);
  }
  const idle = looking.open[1];
  const sender = new FakeSender();
  for (const infoHash of looking.open.slice(2)) lookups.find(infoHash)!.peerConnected(factsOf(1), sender, 0);
  lookups.find(hashes[0])!.peerConnected(factsOf(1), new FakeSender(), 0);
  assert(!looking.open.includes(idle), "the one without connections goes first");
  lookups.find(hashes[1]);
  assert.equal(sender.closedFor, "the lookup is over");
  assert(looking.open.includes(joined.swarm.infoHash), "what is joined here stays");
});

Deno.test("A flood of announces under a lookup hash takes bounded memory and few dials", () => {
  const looking = new Looking([hashOf(1)]);
  const swarm = looking.lookups.find(hashOf(1))!;
  for (let host = 0; host < 20_000; host++) {
    swarm.addPeers([{ address: `10.1.${host >> 8}.${host & 255}`, port: 6881 }], "lsd");
  }
  assert.equal(swarm.knownPeers.length, CONNECTIONS.knownFromLsd);
  assert(swarm.takeDials(1_000).length <= CONNECTIONS.dialled);
  looking.now = LOOKUP.idleMs;
  looking.lookups.tick(looking.now);
  assert.deepEqual(looking.open, [], "nobody was there, and all is forgotten");
});
