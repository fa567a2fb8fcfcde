import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/protocol/endpoint.ts";
import { CHOKING, CONNECTIONS } from "../../../lib/settings.ts";
import { KnownPeers } from "../../../lib/swarm/peers/known_peers.ts";
import { peerIdOf } from "../../harness/sessions/remote_peers.ts";

function at(host: number, port = 6881): Endpoint {
  return { address: `10.0.${host >> 8}.${host & 255}`, port };
}

function hostsOf(endpoints: readonly Endpoint[]): string[] {
  return endpoints.map(({ address, port }) => `${address}:${port}`);
}

Deno.test("KnownPeers adds each endpoint once, and only those that can be dialled", () => {
  const known = new KnownPeers();
  const unusable = [
    { address: "0.0.0.0", port: 6881 },
    { address: "224.0.0.1", port: 6881 },
    { address: "255.255.255.255", port: 6881 },
    { address: "10.0.0.9", port: 0 },
    { address: "ff02::1", port: 6881 },
  ];
  assert.equal(known.add([at(1), at(2), at(1), ...unusable], "tracker", 0), 2);
  assert.equal(known.add([at(2), at(3)], "pex", 0), 1);
  assert.deepEqual(known.names, ["10.0.0.1:6881", "10.0.0.2:6881", "10.0.0.3:6881"]);
});

Deno.test("KnownPeers hands out the other endpoint of a peer only where the preferred one is of no use", () => {
  const other = { address: "fd00::1", port: 6881 };
  const known = new KnownPeers();
  known.add([{ ...other, preferred: at(1) }], "lsd", 0);
  assert.deepEqual(known.takeDue(9, false, 0), [other], "the preferred one is not known");

  const both = new KnownPeers();
  // As it comes in the other order.
  both.add([other], "lsd", 0);
  both.add([at(1), { ...other, preferred: at(1) }], "lsd", 0);
  assert.deepEqual(both.takeDue(9, false, 0), [at(1)]);
  assert.deepEqual(both.takeDue(9, false, 1), [], "it is being dialled");
  both.dialFailed(at(1), 2);
  assert.deepEqual(both.takeDue(9, false, 3), [other]);

  const named = new KnownPeers();
  named.add([at(1), { ...other, preferred: at(1) }], "lsd", 0);
  named.add([other], "tracker", 0);
  assert.deepEqual(named.takeDue(9, false, 0), [at(1), other], "a better source names it");
});

Deno.test("KnownPeers hands an endpoint out once, until it failed or left", () => {
  const known = new KnownPeers();
  known.add([at(1), at(2), at(3)], "tracker", 0);
  assert.deepEqual(known.takeDue(2, false, 0), [at(1), at(2)]);
  assert.deepEqual(known.takeDue(2, false, 0), [at(3)]);
  assert.deepEqual(known.takeDue(2, false, 0), []);
  assert.deepEqual(known.takeDue(-1, false, 0), []);
});

/** How long an endpoint is not dialled from `now` on, in ms. */
function pauseOf(known: KnownPeers, now: number): number {
  let pause = 0;
  while (known.takeDue(1, false, now + pause).length === 0) pause += CONNECTIONS.redialMs;
  return pause;
}

Deno.test("KnownPeers waits twice as long after each failed dial, up to a limit, and starts over on success", () => {
  const known = new KnownPeers();
  known.add([at(1)], "tracker", 0);
  const pauses: number[] = [];
  for (let dial = 0; dial < 12; dial++) {
    known.dialFailed(at(1), 0);
    pauses.push(pauseOf(known, 0));
  }
  assert.deepEqual(pauses.slice(0, 3), [1, 2, 4].map((factor) => factor * CONNECTIONS.redialMs));
  assert.equal(pauses.at(-1), CONNECTIONS.redialMaxMs);
  known.connected(at(1), 0);
  known.dialFailed(at(1), 0);
  assert.equal(pauseOf(known, 0), CONNECTIONS.redialMaxMs, "a connection that said nothing changes nothing");
  known.disconnected(at(1), false, 0);
  assert.equal(pauseOf(known, 0), CONNECTIONS.reconnectMs);
  known.dialFailed(at(1), 0);
  assert.equal(pauseOf(known, 0), CONNECTIONS.redialMs);
});

Deno.test("KnownPeers dials again soon whoever is announced again, but not who is only rumoured", () => {
  for (const source of ["tracker", "broadcast", "lsd"] as const) {
    const known = new KnownPeers();
    known.add([at(1)], "tracker", 0);
    const now = 1_000_000;
    for (let failure = 0; failure < 12; failure++) known.dialFailed(at(1), 0);
    assert.deepEqual(known.takeDue(1, false, now), [at(1)]);
    known.dialFailed(at(1), now);
    known.add([at(1)], "pex", now);
    assert.deepEqual(known.takeDue(1, false, now + CONNECTIONS.retoldMs), []);
    known.add([at(1)], source, now);
    assert.deepEqual(known.takeDue(1, false, now + CONNECTIONS.retoldMs - 1), [], source);
    assert.deepEqual(known.takeDue(1, false, now + CONNECTIONS.retoldMs), [at(1)], source);
  }
});

Deno.test("KnownPeers dials at once whom the user names again", () => {
  const known = new KnownPeers();
  known.add([at(1)], "user", 0);
  known.takeDue(1, false, 0);
  known.dialFailed(at(1), 0);
  known.add([at(1)], "user", 0);
  assert.deepEqual(known.takeDue(1, false, 1), [at(1)]);
});

/** How often an endpoint is dialled within a minute in which `tell` is called ten times a second. */
function dialsWhileTold(tell: (known: KnownPeers, now: number) => void): number {
  const known = new KnownPeers();
  let dials = 0;
  for (let now = 0; now < 60_000; now += 100) {
    tell(known, now);
    for (const endpoint of known.takeDue(9, false, now)) {
      dials++;
      known.dialFailed(endpoint, now);
    }
  }
  return dials;
}

Deno.test("KnownPeers dials nobody more often because others name it again, or take it back and name it again", () => {
  // After 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
  const untold = dialsWhileTold((known) => known.size === 0 && known.add([at(1)], "tracker", 0));
  assert.equal(untold, 7);
  for (const source of ["tracker", "broadcast", "lsd", "pex"] as const) {
    assert.equal(dialsWhileTold((known, now) => known.add([at(1)], source, now, "10.9.9.9")), untold, source);
  }
  const takenBack = dialsWhileTold((known, now) => {
    known.remove([at(1)], "broadcast", "10.9.9.9");
    known.add([at(1)], "broadcast", now, "10.9.9.9");
  });
  assert.equal(takenBack, untold);
});

Deno.test("KnownPeers takes only so many names from all multicast together, whatever addresses they bear", () => {
  const known = new KnownPeers();
  assert.equal(known.add(MANY, "lsd", 0), CONNECTIONS.knownFromLsd);
  assert.equal(known.add([at(60_000)], "broadcast", 0, "10.9.9.9"), 1, "others are not kept out");
  assert.equal(known.add([at(60_001)], "pex", 0, "10.9.9.9"), 1);
  const [failed] = known.takeDue(1, false, 0);
  assert.equal(known.add([at(60_002)], "lsd", 0), 0);
  known.dialFailed(failed, 0);
  assert.equal(known.add([at(60_002)], "lsd", 0), 1, "one that failed makes room");
  assert(!hostsOf(known.heard.map(({ endpoint }) => endpoint)).includes(hostsOf([failed])[0]));
});

Deno.test("KnownPeers lets hearsay take the place of whoever failed, but for whom the user named", () => {
  const known = new KnownPeers();
  known.add(MANY.slice(0, 1), "user", 0);
  known.add(MANY.slice(1), "tracker", 0);
  for (const endpoint of known.takeDue(2, false, 0)) known.dialFailed(endpoint, 0);
  assert.equal(known.add([at(60_000), at(60_001)], "pex", 0, "10.9.9.9"), 1);
  assert(known.names.includes("10.0.0.1:6881") && !known.names.includes("10.0.0.2:6881"));
});

Deno.test("KnownPeers dials those that did not fail before those that did, wherever it heard of them", () => {
  const known = new KnownPeers();
  known.add([at(1), at(2)], "tracker", 0);
  for (const endpoint of known.takeDue(2, false, 0)) known.dialFailed(endpoint, 0);
  known.add([at(3)], "lsd", 0);
  assert.deepEqual(known.takeDue(1, false, CONNECTIONS.redialMs), [at(3)]);
});

Deno.test("KnownPeers remembers no hearsay for the next start, unless somebody was found there", () => {
  const known = new KnownPeers();
  known.add([at(1)], "lsd", 0);
  known.add([at(2), at(3)], "broadcast", 0, "10.9.9.9");
  known.claimed(at(4), 0);
  assert.deepEqual(known.reachable, []);
  known.connected(at(2), 0);
  assert.deepEqual(known.reachable, ["10.0.0.2:6881"]);
});

Deno.test("KnownPeers pauses before it dials somebody again who has just left", () => {
  const known = new KnownPeers();
  known.connected(at(1), 0);
  assert.deepEqual(known.takeDue(1, false, 0), []);
  known.disconnected(at(1), false, 1_000);
  assert.deepEqual(known.takeDue(1, false, 1_000), []);
  assert.deepEqual(known.takeDue(1, false, 1_000 + CONNECTIONS.reconnectMs), [at(1)]);
});

Deno.test("KnownPeers forgets who left only on the word of who named them, and never a connected one", () => {
  const known = new KnownPeers();
  known.add([at(1), at(2)], "broadcast", 0);
  known.add([at(3)], "tracker", 0);
  known.connected(at(2), 0);
  assert.equal(known.remove([at(1), at(2), at(3), at(4)], "broadcast"), 1);
  assert.deepEqual(known.names, ["10.0.0.2:6881", "10.0.0.3:6881"]);
});

Deno.test("KnownPeers bans an endpoint and a peer id at its address, and after some bans the address", () => {
  const known = new KnownPeers();
  for (let i = 1; i < CHOKING.bansPerAddress; i++) known.ban(at(1, 1_000 + i), peerIdOf(i));
  assert.equal(known.isBanned(at(1, 1_001)), true);
  assert.equal(known.isBanned(at(1, 9_999), peerIdOf(1)), true);
  assert.equal(known.isBanned(at(1, 9_999), peerIdOf(77)), false);
  assert.equal(known.isBanned(at(2), peerIdOf(1)), false, "a liar may bear anybody's peer id");
  assert.equal(known.isBanned(at(1, 9_999)), false);
  known.ban(at(1, 2_000), peerIdOf(50));
  assert.equal(known.isBanned(at(1, 9_999)), true);
  assert.equal(known.add([at(1, 9_999), at(3)], "tracker", 0), 1);
});

Deno.test("KnownPeers counts a liar once against its address, however often it is convicted", () => {
  const known = new KnownPeers();
  for (let i = 0; i < 2 * CHOKING.bansPerAddress; i++) known.ban(at(1, 1_000), peerIdOf(1));
  assert.equal(known.isBanned(at(1, 6881), peerIdOf(2)), false, "a neighbour");
});

Deno.test("KnownPeers never dials itself again", () => {
  const known = new KnownPeers();
  known.add([at(1)], "tracker", 0);
  known.takeDue(1, false, 0);
  known.isOurselves(at(1));
  assert.equal(known.add([at(1)], "tracker", 0), 0);
  assert.equal(known.size, 0);
});

/** So many endpoints as are remembered, all different. */
const MANY = Array.from({ length: CONNECTIONS.knownPeers }, (_, i) => at(i + 1));

Deno.test("KnownPeers keeps within its limit: one that failed makes room, one that is good does not", () => {
  const known = new KnownPeers();
  assert.equal(known.add(MANY, "tracker", 0), CONNECTIONS.knownPeers);
  assert.equal(known.add([at(60_000)], "tracker", 0), 0);
  known.takeDue(2, false, 0);
  known.dialFailed(at(1), 0);
  known.dialFailed(at(2), 0);
  known.takeDue(2, false, CONNECTIONS.redialMs);
  known.dialFailed(at(2), 0);
  assert.equal(known.add([at(60_000)], "tracker", 0), 1);
  assert.equal(known.size, CONNECTIONS.knownPeers);
  assert(known.names.includes("10.0.0.1:6881") && !known.names.includes("10.0.0.2:6881"));
});

Deno.test("KnownPeers lets whoever is announced take the place of hearsay, and dials them first", () => {
  const known = new KnownPeers();
  known.add(MANY, "pex", 0);
  assert.equal(known.add([at(60_000)], "pex", 0), 0);
  assert.equal(known.add([at(60_001), at(60_002)], "tracker", 0), 2);
  assert.equal(known.size, CONNECTIONS.knownPeers);
  const dialled = known.takeDue(2, false, 0, {
    priorityOf: ({ address }) => address === "10.0.0.9" ? 9 : 1,
  });
  assert.deepEqual(dialled, [at(60_001), at(60_002)]);
  known.add([at(7)], "tracker", 0);
  assert.deepEqual(known.takeDue(1, false, 0), [at(7)], "no hearsay any more");
});

Deno.test("KnownPeers takes only so much hearsay from one address, until somebody is found there", () => {
  const known = new KnownPeers();
  const limit = CONNECTIONS.knownPerTeller;
  assert.equal(known.add(MANY, "broadcast", 0, "10.9.9.9"), limit);
  assert.equal(known.add([at(60_000)], "pex", 0, "10.9.9.9"), 0);
  assert.equal(known.add([at(60_000)], "pex", 0, "10.8.8.8"), 1, "others may still tell");
  known.connected(at(1), 0);
  assert.equal(known.remove([at(3)], "broadcast", "10.8.8.8"), 0, "who did not tell cannot take back");
  assert.equal(known.remove([at(2)], "broadcast", "10.9.9.9"), 1);
  assert.equal(known.add([at(60_001), at(60_002), at(60_003)], "pex", 0, "10.9.9.9"), 2);
  const ports = Array.from({ length: limit + 1 }, (_, i) => at(50_000, i + 1));
  assert.equal(known.add(ports, "lsd", 0), limit, "a host by itself, at many ports");
});

Deno.test("KnownPeers remembers only so many bans, and forgets the oldest", () => {
  const known = new KnownPeers();
  for (let i = 1; i <= CONNECTIONS.maxBans; i++) known.ban(at(i), peerIdOf(1));
  assert.equal(known.isBanned(at(1)), false);
  assert.equal(known.isBanned(at(CONNECTIONS.maxBans)), true);
});

Deno.test("KnownPeers remembers for the next start whoever did not fail, up to a number", () => {
  const known = new KnownPeers();
  known.add(Array.from({ length: CONNECTIONS.rememberedPeers + 50 }, (_, i) => at(i + 1)), "tracker", 0);
  known.dialFailed(at(1), 0);
  assert.equal(known.reachable.length, CONNECTIONS.rememberedPeers);
  assert(!known.reachable.includes("10.0.0.1:6881"));
  assert.deepEqual(hostsOf([at(2)]), known.reachable.slice(0, 1));
});

Deno.test("KnownPeers lets a seeder wait for others to come, and never has it dial a seed", () => {
  const known = new KnownPeers();
  known.add([at(1), at(2)], "tracker", 0);
  const patience = CONNECTIONS.seederPatienceMs;
  assert.deepEqual(known.takeDue(9, true, patience - 1), []);
  known.connected(at(2), 0);
  known.disconnected(at(2), true, 0);
  assert(patience <= 1_000);
  assert.deepEqual(known.takeDue(9, true, patience), [at(1)]);
  assert.deepEqual(known.takeDue(9, true, CONNECTIONS.reconnectMs), []);
  assert.deepEqual(known.takeDue(9, false, CONNECTIONS.reconnectMs), [at(2)]);
});

Deno.test("KnownPeers takes no endpoint that is blocked, whoever names it", () => {
  const known = new KnownPeers((address) => address === "10.0.0.5");
  const endpoints = [{ address: "10.0.0.5", port: 1 }, { address: "10.0.0.6", port: 1 }];
  for (const source of ["tracker", "broadcast", "pex", "lsd", "user", "incoming"] as const) {
    known.add(endpoints, source, 0);
  }
  known.connected(endpoints[0], 0);
  assert.deepEqual(known.names, ["10.0.0.6:1"]);
});

Deno.test("KnownPeers takes a link-local endpoint with its zone only", () => {
  const known = new KnownPeers();
  known.add([{ address: "fe80::5", port: 1 }, { address: "fe80::6%eth0", port: 1 }], "lsd", 0);
  assert.deepEqual(known.names, ["[fe80::6%eth0]:1"]);
});

Deno.test("KnownPeers dials those of the highest priority when more are due than may be dialled (BEP 40)", () => {
  const known = new KnownPeers();
  known.add([1, 2, 3, 4].map((last) => ({ address: `10.0.0.${last}`, port: 6881 })), "tracker", 0);
  const priorityOf = ({ address }: Endpoint) => [0, 5, 9, 1, 7][Number(address.at(-1))];
  const dialled = (limit: number) =>
    known.takeDue(limit, false, 0, { priorityOf }).map(({ address }) => address.at(-1));
  assert.deepEqual(dialled(2), ["2", "4"]);
  assert.deepEqual(dialled(2), ["1", "3"]);
  assert.deepEqual(dialled(2), []);
});

Deno.test("KnownPeers dials near ones first, but not for hearsay, nor before the far ones that are kept", () => {
  const known = new KnownPeers();
  const at = (address: string) => ({ address, port: 6881 });
  known.add(["10.1.0.1", "10.0.0.1", "10.1.0.2", "10.0.0.2", "10.1.0.3"].map(at), "tracker", 0);
  known.add([at("10.0.0.9")], "pex", 0, "10.1.0.9");
  const isNear = ({ address }: Endpoint) => address.startsWith("10.0.");
  const dialled = (limit: number, far: number) =>
    known.takeDue(limit, false, 0, { isNear, far }).map(({ address }) => address);
  assert.deepEqual(dialled(2, 1), ["10.1.0.1", "10.0.0.1"]);
  assert.deepEqual(dialled(2, 0), ["10.0.0.2", "10.1.0.2"]);
  assert.deepEqual(dialled(2, 0), ["10.1.0.3", "10.0.0.9"]);
});
