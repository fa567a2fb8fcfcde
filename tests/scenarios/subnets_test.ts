/** Several subnets with a narrow way between them: what crosses it, and when the last host is done. */
import assert from "node:assert/strict";
import { NearFirst } from "../../lib/swarm/download/near_first.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

/** `deno test … subnets_test.ts -- 20 16 64 1` tries 20 subnets of 16 hosts with 64 pieces, once. */
const [SUBNETS = 4, HOSTS = 5, PIECES = 64, SEEDS = 3] = Deno.args.map(Number);
const PIECE = 64 * 1024;
const data = randomBytes(PIECES * PIECE, 3);
const metainfo = metainfoOf(data, PIECE);
/** Links of hosts, in bytes per second; an uplink carries a tenth of what its hosts can send together. */
const RATE = 1_000_000;
/** Copies that may leave the first subnet; fewer where all hosts are connected with each other. */
const MOST_OUT = SUBNETS > 4 ? 3 : 1.5;
const uplinkRateOf = (rate: number, hosts = HOSTS) => hosts * rate / 10;

/** Subnets of hosts, the first of which has the data. */
function roomOf(seed: number, { rate = RATE, subnets = SUBNETS, hosts = HOSTS } = {}): VirtualLan {
  const lan = new VirtualLan(metainfo, seed);
  lan.uplinks.rate = uplinkRateOf(rate, hosts);
  for (let host = 0; host < hosts; host++) {
    for (let subnet = 0; subnet < subnets; subnet++) {
      lan.add({ data: subnet + host === 0 ? data : null, rate, subnet });
    }
  }
  return lan;
}

/** What came of a distribution. */
interface Outcome {
  /** Seconds until the last host was done. */
  readonly last: number;
  /** The most copies that came into a subnet, and those that left the first one. */
  readonly into: number;
  readonly out: number;
}

function distribute(lan: VirtualLan): Outcome {
  const startedAt = lan.now;
  lan.introduceAll();
  assert.ok(lan.run(() => lan.hosts.every((host) => host.hasEverything), 600_000));
  for (const host of lan.hosts) assert.deepEqual(host.storage.data, data);
  const subnets = new Set(lan.hosts.map(({ subnet }) => subnet));
  const into = Array.from(subnets, (subnet) => lan.uplinks.bytesInto(subnet) / data.length);
  return {
    last: (lan.now - startedAt) / 1_000,
    into: Math.max(...into),
    out: lan.uplinks.bytesOut(0) / data.length,
  };
}

/** The same as it goes without the rule. */
function distributeWithout(lan: VirtualLan): Outcome {
  const { look } = NearFirst.prototype;
  NearFirst.prototype.look = () => [];
  try {
    return distribute(lan);
  } finally {
    NearFirst.prototype.look = look;
  }
}

const textOf = ({ last, into, out }: Outcome) =>
  `last host after ${last.toFixed(1)} s, ${into.toFixed(2)} copies in, ${out.toFixed(2)} out of the first`;

Deno.test("with near first, little more than one copy crosses each uplink, and the last host is done much sooner", () => {
  const bound = data.length / Math.min(RATE, uplinkRateOf(RATE));
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [near, without] = [distribute(roomOf(seed)), distributeWithout(roomOf(seed))];
    console.log(
      `${SUBNETS} subnets of ${HOSTS}, seed ${seed}: ${textOf(near)}; without ${textOf(without)}; ` +
        `no way could be faster than ${bound.toFixed(1)} s`,
    );
    assert.ok(near.into <= 1.5 && near.out <= MOST_OUT, textOf(near));
    assert.ok(near.last <= 0.75 * without.last, `${near.last} s, ${without.last} s without`);
  }
});

Deno.test("hosts that are not connected to who has everything know its subnet all the same", () => {
  const near = distribute(roomOf(1, { subnets: 10, hosts: 8 }));
  console.log(`10 subnets of 8: ${textOf(near)}`);
  assert.ok(near.into <= 1.5 && near.out <= 2, textOf(near));
});

Deno.test("near ones that are busy, as they are on slow links, are waited for all the same", () => {
  const near = distribute(roomOf(1, { rate: RATE / 5 }));
  console.log(`links of ${RATE / 5} bytes a second: ${textOf(near)}`);
  assert.ok(near.into <= 2, textOf(near));
});

Deno.test("near peers that claim everything and send nothing do not keep their subnet from far ones", () => {
  const lan = roomOf(2);
  const liar = lan.add({ data, rate: RATE, subnet: 1 });
  liar.refusals = 1;
  distribute(lan);
});
