import assert from "node:assert/strict";
import {
  type Distance,
  distanceOf,
  redirectRefusal,
  trackerRefusal,
  webSeedRefusal,
} from "../../../lib/net/http/request_rules.ts";

const hop = (url: string, address: string) => ({ url: new URL(url), address });

/** Some addresses of each kind. */
const ADDRESSES: Readonly<Record<Distance | "never", readonly string[]>> = {
  machine: ["127.0.0.1", "127.255.1.2", "::1"],
  link: ["169.254.1.2", "fe80::1", "fe80::1%eth0"],
  site: ["10.0.0.5", "172.16.0.1", "192.168.1.1", "fd00::1", "100.64.0.1"],
  world: ["8.8.8.8", "2001:4860::1", "203.0.113.5"],
  never: [
    ...["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "255.255.255.255", "ff02::1"],
    ...["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"],
  ],
};

Deno.test("distanceOf tells this machine, its links, the local network and the rest apart", () => {
  for (const [distance, addresses] of Object.entries(ADDRESSES)) {
    for (const address of addresses) {
      assert.equal(distanceOf(address) ?? "never", distance, address);
    }
  }
});

Deno.test("distanceOf takes every address of this machine for this machine", () => {
  for (const { address } of Deno.networkInterfaces()) assert.equal(distanceOf(address), "machine");
});

Deno.test("trackerRefusal lets announces to this machine and its links go to /announce only", () => {
  for (const address of [...ADDRESSES.machine, ...ADDRESSES.link]) {
    for (const path of ["announce", "announce?key=1", "announce/", "announce/KEY-1_a", "announce.php?x=1"]) {
      assert.equal(trackerRefusal(hop(`http://h:1/${path}`, address)), undefined, path);
    }
    for (
      const path of ["", "x", "announcex", "x/announce", "announce/a/b", "announce/%2e%2e%2fx", "announce;x"]
    ) {
      assert.match(
        trackerRefusal(hop(`http://h:1/${path}`, address))!,
        /^Expected the path \/announce/,
        path,
      );
    }
    assert.equal(trackerRefusal(hop("udp://h:1", address)), undefined);
    assert.match(trackerRefusal(hop("udp://h:1/x", address))!, /^Expected the path/);
  }
  for (const address of [...ADDRESSES.site, ...ADDRESSES.world]) {
    assert.equal(trackerRefusal(hop("http://h:1/KEY/announce", address)), undefined);
  }
  for (const address of ADDRESSES.never) {
    assert.match(trackerRefusal(hop("http://h:1/announce", address))!, /may be asked/, address);
  }
});

Deno.test("webSeedRefusal keeps queries from the local network, and names from this machine", () => {
  for (const address of [...ADDRESSES.machine, ...ADDRESSES.site]) {
    const host = address.includes(":") ? `[${address}]` : address;
    assert.equal(webSeedRefusal(hop(`http://${host}/file`, address)), undefined);
    assert.match(webSeedRefusal(hop(`http://${host}/file?x`, address))!, /no query/);
  }
  assert.equal(webSeedRefusal(hop("http://localhost/file", "127.0.0.1")), undefined);
  assert.match(webSeedRefusal(hop("http://rebound.example/file", "127.0.0.1"))!, /named by its address/);
  for (const address of ADDRESSES.world) {
    assert.equal(webSeedRefusal(hop("http://h/file?x", address)), undefined);
  }
  for (const address of [...ADDRESSES.link, ...ADDRESSES.never]) {
    assert.match(webSeedRefusal(hop("http://h/file", address))!, /may be asked/);
  }
});

Deno.test("redirectRefusal lets nobody lead us nearer than it is, and never to this machine or a link", () => {
  const kinds = ["machine", "link", "site", "world"] as const;
  for (const [fromAt, from] of kinds.entries()) {
    for (const [toAt, to] of kinds.entries()) {
      const refusal = redirectRefusal(
        hop("http://a/", ADDRESSES[from][0]),
        hop("http://b/", ADDRESSES[to][0]),
      );
      assert.equal(refusal === undefined, toAt >= 2 && toAt >= fromAt, `${from} ${to}`);
    }
    for (const address of ADDRESSES.never) {
      assert.match(
        redirectRefusal(hop("http://a/", ADDRESSES[from][0]), hop("http://b/", address))!,
        /^Refused/,
      );
    }
  }
});

Deno.test("redirectRefusal leaves a server its own affairs, unless its name has come to mean another address", () => {
  const from = hop("http://127.0.0.1:8000/announce", "127.0.0.1");
  assert.equal(redirectRefusal(from, hop("http://127.0.0.1:8000/other", "127.0.0.1")), undefined);
  assert.match(redirectRefusal(from, hop("http://127.0.0.1:8001/announce", "127.0.0.1"))!, /^Refused/);
  const outside = hop("http://h.example/announce", "203.0.113.5");
  assert.match(redirectRefusal(outside, hop("http://h.example/x", "127.0.0.1"))!, /^Refused/);
});
