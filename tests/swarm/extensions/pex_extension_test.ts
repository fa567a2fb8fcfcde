import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import type { ExtendedHandshake } from "../../../lib/protocol/extension_messages.ts";
import { encodePex, parsePex, PexFlag } from "../../../lib/protocol/pex_messages.ts";
import { CONNECTIONS, PEX } from "../../../lib/settings.ts";
import { PexExtension } from "../../../lib/swarm/extensions/pex_extension.ts";
import type { PeerSource } from "../../../lib/swarm/ports.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { Roster } from "../../../lib/swarm/peers/roster.ts";
import { DEFAULT_CHOICES } from "../../../lib/swarm/policy.ts";
import { factsOf, FakeSender } from "../../harness/sessions/remote_peers.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";

/** The extension of one at 10.0.0.100:6881 in a torrent of four pieces. */
class Exchanging {
  readonly heardFrom: PeerSource[] = [];
  readonly #surroundings = testSurroundings({
    isOurselves: (endpoint) => formatEndpoint(endpoint) === "10.0.0.100:6881",
  });
  readonly roster = new Roster(4, this.#surroundings);
  readonly extension = new PexExtension({
    surroundings: this.#surroundings,
    policy: DEFAULT_CHOICES,
    roster: this.roster,
    isUploadOnly: () => undefined,
    knownPeersChanged: (source) => this.heardFrom.push(source),
  });

  connect(number: number, changes: Parameters<typeof factsOf>[1] = {}): RemotePeer {
    return this.roster.add(factsOf(number, changes), new FakeSender(), 0);
  }

  /** Connects one who understands the extension; the list is what it is told, as `endpoint flags`. */
  partner(number: number, changes: Parameters<typeof factsOf>[1] = {}): { peer: RemotePeer; told: string[] } {
    const peer = this.connect(number, changes);
    const told: string[] = [];
    this.extension.offered(peer, (payload) => {
      const { added, dropped } = parsePex(payload, 1_000);
      told.push(...added.map(({ endpoint, flags }) => `${formatEndpoint(endpoint)} ${flags}`));
      told.push(...dropped.map((endpoint) => `-${formatEndpoint(endpoint)}`));
    });
    return { peer, told };
  }
}

Deno.test("PexExtension tells whom we are connected to, with what is known of them", () => {
  const exchanging = new Exchanging();
  const { told } = exchanging.partner(1);
  const seed = exchanging.connect(2);
  seed.hasToldPieces = true;
  for (let index = 0; index < 4; index++) seed.have.add(index);
  exchanging.connect(3).extended = { prefersEncryption: true } as ExtendedHandshake;
  exchanging.connect(6).extended = { isUploadOnly: true } as ExtendedHandshake;
  exchanging.connect(4, { isIncoming: true });
  exchanging.connect(5, { isIncoming: true }).listens = { address: "10.0.0.5", port: 7_000 };
  exchanging.extension.tick(0);
  assert.deepEqual(told, [
    `10.0.0.2:6881 ${PexFlag.uploadOnly | PexFlag.reachable}`,
    `10.0.0.3:6881 ${PexFlag.prefersEncryption | PexFlag.reachable}`,
    `10.0.0.6:6881 ${PexFlag.uploadOnly | PexFlag.reachable}`,
    "10.0.0.5:7000 0",
  ]);
});

Deno.test("PexExtension tells who left, a minute later, and nothing to who left", () => {
  const exchanging = new Exchanging();
  const { told } = exchanging.partner(1);
  const gone = exchanging.partner(2);
  exchanging.extension.tick(0);
  exchanging.roster.remove(gone.peer, 1);
  exchanging.extension.peerLeft(gone.peer);
  exchanging.connect(3);
  exchanging.extension.tick(PEX.intervalMs - 1);
  assert.equal(told.length, 1);
  exchanging.extension.tick(PEX.intervalMs + PEX.lookMs);
  assert.deepEqual(told.slice(1), ["10.0.0.3:6881 16", "-10.0.0.2:6881"]);
  assert.equal(gone.told.length, 1);
});

Deno.test("PexExtension keeps loopback on its machine, and link-local IPv6 on its link", () => {
  const exchanging = new Exchanging();
  const away = exchanging.partner(1);
  const here = exchanging.partner(2, { endpoint: { address: "127.0.0.1", port: 7_000 } });
  exchanging.connect(3, { endpoint: { address: "127.0.0.1", port: 7_001 } });
  exchanging.connect(4, { endpoint: { address: "fe80::1%eth0", port: 6_881 } });
  exchanging.connect(5, { endpoint: { address: "fd00::1", port: 6_881 } });
  exchanging.extension.tick(0);
  assert.deepEqual(away.told, ["[fd00::1]:6881 16"]);
  assert.deepEqual(here.told.sort(), ["10.0.0.1:6881 16", "127.0.0.1:7001 16", "[fd00::1]:6881 16"]);
});

Deno.test("PexExtension hears of others, without ourselves and without another machine's loopback", () => {
  const { extension, roster, heardFrom } = new Exchanging();
  const peer = roster.add(factsOf(1, { isIncoming: true }), new FakeSender(), 0);
  extension.offered(peer, () => {});
  const endpoints = ["10.0.0.5", "10.0.0.100", "127.0.0.1", "fe80::1", "fd00::5"]
    .map((address) => ({ address, port: 6881 }));
  const message = { added: endpoints.map((endpoint) => ({ endpoint, flags: 0 })), dropped: [] };
  extension.received(peer, encodePex(message), 0);
  assert.deepEqual(roster.known.names, ["10.0.0.5:6881", "[fd00::5]:6881"]);
  assert.deepEqual(heardFrom, ["pex"]);
});

Deno.test("PexExtension passes on what flags say of those whom nobody else has named", () => {
  const { extension, roster } = new Exchanging();
  const peer = roster.add(factsOf(1, { isIncoming: true }), new FakeSender(), 0);
  extension.offered(peer, () => {});
  const [seed, secret, named] = [5, 6, 7].map((host) => ({ address: `10.0.0.${host}`, port: 6881 }));
  roster.hear([named], "tracker", 0);
  const added = [
    { endpoint: seed, flags: PexFlag.uploadOnly },
    { endpoint: secret, flags: PexFlag.prefersEncryption | PexFlag.reachable },
    { endpoint: named, flags: PexFlag.uploadOnly | PexFlag.prefersEncryption },
  ];
  extension.received(peer, encodePex({ added, dropped: [] }), 0);
  assert.deepEqual(roster.takeDials(9, true, CONNECTIONS.seederPatienceMs), [
    named,
    { ...secret, prefersEncryption: true },
  ]);
  assert.deepEqual(roster.takeDials(9, false, 0), [seed], "a seed is of use to who lacks something");
});

Deno.test("PexExtension reads no more messages than a few at once, none of strangers, and refuses what is malformed", () => {
  const exchanging = new Exchanging();
  const { peer } = exchanging.partner(1);
  const stranger = exchanging.connect(2);
  const tell = (from: RemotePeer, host: number, now: number) => {
    const added = [{ endpoint: { address: `10.1.0.${host}`, port: 1 }, flags: 0 }];
    exchanging.extension.received(from, encodePex({ added, dropped: [] }), now);
  };
  const before = exchanging.roster.known.size;
  tell(peer, 1, 0);
  tell(peer, 2, 1);
  tell(peer, 3, 2);
  tell(stranger, 4, 0);
  assert.equal(exchanging.roster.known.size, before + PEX.receiveBurst);
  assert.throws(() => exchanging.extension.received(peer, Uint8Array.of(1), 100_000), ProtocolError);
});
