import assert from "node:assert/strict";
import {
  adviceOnLoopback,
  isLoopbackAnnounce,
  nameForCommands,
  ownAnnounceUrl,
  reachableAddresses,
} from "../../lib/session/advice/announce_advice.ts";

const LAN = [{ name: "lo", address: "127.0.0.1" }, { name: "eth0", address: "10.77.0.1" }];

Deno.test("ownAnnounceUrl prefers a private IPv4 address, then any other, then IPv6, then loopback", () => {
  const urlOf = (...addresses: string[]) => ownAnnounceUrl(addresses.map((address) => ({ address })));
  const expected = (host: string) => `http://${host}:6969/announce`;
  assert.equal(urlOf("127.0.0.1", "fd00::5", "8.8.4.4", "192.168.1.5", "10.0.0.5"), expected("192.168.1.5"));
  assert.equal(urlOf("127.0.0.1", "169.254.1.1", "8.8.4.4"), expected("8.8.4.4"));
  assert.equal(urlOf("::1", "127.0.0.1", "fe80::1", "2001:db8::7", "fd00::5"), expected("[fd00::5]"));
  assert.equal(urlOf("127.0.0.1", "::1", "169.254.1.1"), expected("169.254.1.1"));
  assert.equal(urlOf("::1", "127.0.0.1", "fe80::1"), expected("127.0.0.1"));
});

Deno.test("reachableAddresses names the interfaces", () => {
  assert.deepEqual(reachableAddresses(LAN), [{ name: "eth0", address: "10.77.0.1" }]);
});

Deno.test("isLoopbackAnnounce knows loopback in whatever form", () => {
  for (
    const address of [
      "127.0.0.1",
      "127.3.4.5:7000",
      "http://localhost:6969/announce",
      "udp://[::1]:6969",
      "a.localhost",
      "http://[::ffff:127.0.0.1]/announce",
    ]
  ) {
    assert.ok(isLoopbackAnnounce(address), address);
  }
  for (const address of ["10.0.0.5", "localhost.example", "http://tracker/", "[fd00::1]:80", "no address"]) {
    assert.ok(!isLoopbackAnnounce(address), address);
  }
});

Deno.test("adviceOnLoopback says what mends a torrent that nobody else can use", () => {
  const torrent = { announceTiers: [["127.0.0.1"], ["udp://localhost:6969"]] };
  const home = Deno.cwd();
  assert.match(
    adviceOnLoopback(torrent, `${home}/torrents/age.torrent`, home, LAN)!,
    /127\.0\.0\.1 .*others will not find this one: peer edit age\.torrent --announce 10\.77\.0\.1, on every machine/,
  );
  assert.match(
    adviceOnLoopback(torrent, "a.torrent", home, [LAN[0]])!,
    /no address that others could reach$/,
  );
  const mixed = { announceTiers: [["127.0.0.1", "10.0.0.5"]] };
  assert.equal(adviceOnLoopback(mixed, "a.torrent", home, LAN), undefined);
  assert.equal(adviceOnLoopback({ announceTiers: [] }, "a.torrent", home, LAN), undefined);
});

Deno.test("nameForCommands gives a word that a shell takes as it is", () => {
  const home = Deno.cwd();
  assert.equal(nameForCommands(`${home}/torrents/日本.torrent`, home), "日本.torrent");
  const quoted = Deno.build.os === "windows" ? `"/other/it's a.torrent"` : "'/other/it'\\''s a.torrent'";
  assert.equal(nameForCommands("/other/it's a.torrent", home), quoted);
  assert.match(
    nameForCommands("/my home/torrents/a.torrent", "/my home"),
    /^a\.torrent --home ["']\/my home["']$/,
  );
  assert.equal(nameForCommands("/h/torrents/a.torrent", "/h"), "a.torrent --home /h");
});
