import assert from "node:assert/strict";
import {
  addressBytes,
  canonicalAddress,
  familyOf,
  formatEndpoint,
  fromCompactList,
  inZoneOf,
  isDialable,
  lacksZone,
  parseEndpoint,
  scopeOf,
  sharesPrefix,
  toCompact,
  toCompactList,
  withoutZone,
  zoneOf,
} from "../../lib/protocol/endpoint.ts";

Deno.test("canonicalAddress gives one spelling to each address", () => {
  const spellings = {
    "10.0.0.5": ["10.0.0.5", "::ffff:10.0.0.5", "::FFFF:a00:5", "[::ffff:10.0.0.5]"],
    "fd00::5": ["fd00::5", "FD00:0:0:0:0:0:0:5", "fd00::0005", "[fd00::5]"],
    "::1": ["::1", "0:0:0:0:0:0:0:1", "[::1]"],
    "fe80::1%eth0": ["fe80::1%eth0", "FE80:0::1%eth0", "[fe80::1%eth0]"],
    "fe80::1%br-lan.7": ["fe80::1%br-lan.7"],
    "fd00::7": ["fd00::7", "fd00::7%eth0"],
  };
  for (const [canonical, texts] of Object.entries(spellings)) {
    for (const text of texts) assert.equal(canonicalAddress(text), canonical, text);
  }
});

Deno.test("canonicalAddress refuses host names and every odd form of an address", () => {
  const odd = [
    "",
    "host",
    "10",
    "10.5",
    "10.0.0",
    "010.0.0.5",
    "0x0a.0.0.5",
    "167772165",
    "256.0.0.1",
    "1.2.3.4.5",
    " 10.0.0.5",
    "10.0.0.5/24",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7:8:9",
    "::ffff:300.1.1.1",
    "fe80::1%",
    "fe80::1%a%b",
    "fe80::1%a b",
    "fe80::1%a]",
    `fe80::1%${"a".repeat(65)}`,
    "10.0.0.5%eth0",
    "::1/64",
    "[::1",
    "[]",
  ];
  for (const text of odd) assert.equal(canonicalAddress(text), undefined, text);
});

Deno.test("familyOf tells IPv4 from IPv6", () => {
  assert.equal(familyOf("10.0.0.5"), 4);
  assert.equal(familyOf("fe80::1%eth0"), 6);
});

Deno.test("scopeOf knows the networks that decide what an address may be used for", () => {
  const scopes = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "10.0.0.5": "private",
    "100.0.0.5": "global",
    "12.70.0.1": "global",
    "172.16.0.1": "private",
    "172.32.0.1": "global",
    "192.168.1.1": "private",
    "100.64.0.1": "private",
    "fd00::5": "private",
    "169.254.1.1": "linkLocal",
    "fe80::1": "linkLocal",
    "fe80::1%eth0": "linkLocal",
    "8.8.8.8": "global",
    "2606:4700::1": "global",
    "0.0.0.0": "unusable",
    "255.255.255.255": "unusable",
    "224.0.0.1": "unusable",
    "239.192.152.143": "unusable",
    "::": "unusable",
    "ff02::1": "unusable",
  };
  for (const [address, scope] of Object.entries(scopes)) assert.equal(scopeOf(address), scope, address);
});

Deno.test("isDialable needs a port and an address of one machine", () => {
  assert.ok(isDialable({ address: "10.0.0.5", port: 1 }));
  assert.ok(isDialable({ address: "fe80::1%eth0", port: 65535 }));
  for (
    const [address, port] of [["10.0.0.5", 0], ["10.0.0.5", 65536], ["0.0.0.0", 1], ["ff02::1", 1]] as const
  ) {
    assert.ok(!isDialable({ address, port }), `${address} ${port}`);
  }
});

Deno.test("parseEndpoint reads what formatEndpoint wrote", () => {
  for (const text of ["10.0.0.5:6881", "[fd00::5]:1", "[fe80::1%eth0]:65535"]) {
    assert.equal(formatEndpoint(parseEndpoint(text)!), text);
  }
});

Deno.test("parseEndpoint refuses what is no address with a port of 1 to 65535", () => {
  const texts = [
    "",
    "10.0.0.5",
    "10.0.0.5:",
    "10.0.0.5:0",
    "10.0.0.5:65536",
    "10.0.0.5:99999",
    "10.0.0.5:000001",
    "10.0.0.5:-1",
    "10.0.0.5:1 ",
    "host:6881",
    "fd00::5:6881",
    "[fd00::5]",
    "[host]:1",
    ":6881",
  ];
  for (const text of texts) assert.equal(parseEndpoint(text), undefined, text);
});

Deno.test("toCompact writes the address in network order, then the port", () => {
  assert.deepEqual([...toCompact({ address: "10.0.0.5", port: 6881 })], [10, 0, 0, 5, 0x1a, 0xe1]);
  const compact6 = toCompact({ address: "fd00::5", port: 1 });
  assert.deepEqual([...compact6], [0xfd, ...new Array(14).fill(0), 5, 0, 1]);
  assert.equal(toCompact({ address: "fe80::1%eth0", port: 1 }).length, 18);
});

Deno.test("fromCompactList reads what toCompactList wrote", () => {
  const lists = {
    4: [{ address: "10.0.0.5", port: 6881 }, { address: "255.0.0.1", port: 65535 }],
    6: [{ address: "fd00::5", port: 6881 }, { address: "2001:db8::1", port: 1 }],
  } as const;
  for (const family of [4, 6] as const) {
    assert.deepEqual(fromCompactList(toCompactList(lists[family], family), family, 10), lists[family]);
  }
});

Deno.test("fromCompactList takes at most its limit and drops an incomplete last entry", () => {
  const bytes = new Uint8Array(6 * 5 + 5).fill(1);
  assert.equal(fromCompactList(bytes, 4, 100).length, 5);
  assert.equal(fromCompactList(bytes, 4, 2).length, 2);
  assert.deepEqual(fromCompactList(new Uint8Array(5), 4, 100), []);
  assert.deepEqual(fromCompactList(new Uint8Array(17), 6, 100), []);
});

Deno.test("fromCompactList gives IPv4 inside IPv6 as IPv4", () => {
  const compact = new Uint8Array(18);
  compact.set([0xff, 0xff, 10, 0, 0, 5, 0, 80], 10);
  assert.deepEqual(fromCompactList(compact, 6, 1), [{ address: "10.0.0.5", port: 80 }]);
});

Deno.test("sharesPrefix compares leading bits within one family", () => {
  assert.ok(sharesPrefix("10.0.0.5", "10.0.0.200", 24));
  assert.ok(!sharesPrefix("10.0.0.5", "10.0.1.5", 24));
  assert.ok(sharesPrefix("fd00::1", "fd00::2", 64));
  assert.ok(!sharesPrefix("10.0.0.5", "::1", 0));
});

Deno.test("zoneOf and withoutZone take a link-local address apart", () => {
  assert.equal(zoneOf("fe80::1%br-lan.7"), "br-lan.7");
  assert.equal(withoutZone("fe80::1%br-lan.7"), "fe80::1");
  for (const address of ["fe80::1", "fd00::5", "10.0.0.5"]) {
    assert.equal(zoneOf(address), undefined);
    assert.equal(withoutZone(address), address);
  }
});

Deno.test("lacksZone is true of link-local IPv6 alone, which cannot be dialled without", () => {
  assert.ok(lacksZone("fe80::1"));
  for (const address of ["fe80::1%eth0", "fd00::5", "::1", "169.254.0.1", "10.0.0.5"]) {
    assert.ok(!lacksZone(address), address);
  }
});

Deno.test("inZoneOf puts what a neighbour tells on the neighbour's link", () => {
  assert.equal(inZoneOf("fe80::1%eth0", "fe80::2"), "fe80::2%eth0");
  assert.equal(inZoneOf("fe80::1%eth0", "fe80::2%eth1"), "fe80::2%eth1");
  assert.equal(inZoneOf("fe80::1%eth0", "fd00::2"), "fd00::2");
  assert.equal(inZoneOf("fd00::1", "fe80::2"), "fe80::2");
});

Deno.test("addressBytes and toCompact leave the zone out", () => {
  assert.deepEqual(addressBytes("10.0.0.5"), [10, 0, 0, 5]);
  const compact = toCompact({ address: "fe80::1%br-lan", port: 258 });
  assert.deepEqual([...compact], [...addressBytes("fe80::1"), 1, 2]);
  assert.deepEqual(fromCompactList(compact, 6, 1), [{ address: "fe80::1", port: 258 }]);
  assert.equal(scopeOf("fe80::1%br-lan"), "linkLocal");
});
