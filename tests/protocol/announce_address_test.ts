import assert from "node:assert/strict";
import { announcePort, parseAnnounceAddress } from "../../lib/protocol/announce_address.ts";

Deno.test("parseAnnounceAddress reads a bare host as the HTTP tracker there", () => {
  const addresses = {
    "10.0.0.5": "http://10.0.0.5:6969/announce",
    " 10.0.0.5 ": "http://10.0.0.5:6969/announce",
    "10.0.0.5:7000": "http://10.0.0.5:7000/announce",
    "10.0.0.5:80": "http://10.0.0.5/announce",
    "teacher-pc": "http://teacher-pc:6969/announce",
    "Teacher.local:6970": "http://teacher.local:6970/announce",
    "fd00::5": "http://[fd00::5]:6969/announce",
    "[fd00::5]": "http://[fd00::5]:6969/announce",
    "[fd00::5]:7000": "http://[fd00::5]:7000/announce",
    "10.0.0.5:6969/announce": "http://10.0.0.5:6969/announce",
    "teacher-pc:80/announce/KEY": "http://teacher-pc/announce/KEY",
    "[fd00::5]:6969/announce": "http://[fd00::5]:6969/announce",
  };
  for (const [address, url] of Object.entries(addresses)) {
    assert.equal(parseAnnounceAddress(address)?.href, url, address);
  }
});

Deno.test("parseAnnounceAddress takes whole URLs as they are", () => {
  for (
    const url of [
      "http://10.0.0.5:6969/announce",
      "https://tracker.example/a?key=1",
      "udp://10.0.0.5:6969",
      "udp://[fd00::5]:6969/announce",
    ]
  ) {
    assert.equal(parseAnnounceAddress(url)?.href, url);
  }
});

Deno.test("parseAnnounceAddress refuses what is no tracker's address", () => {
  const addresses = [
    "",
    "   ",
    "a b",
    "10.0.0.5:0",
    "10.0.0.5:99999",
    "http://10.0.0.5:0/announce",
    "http://10.0.0.5:65536/announce",
    "udp://10.0.0.5:0",
    "ftp://10.0.0.5/announce",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "wss://10.0.0.5",
    "http://",
    "://",
    "10.0.0.5/announce",
    "10.0.0.5:0/announce",
    "10.0.0.5:6969/announce?x#y",
    "a@10.0.0.5:6969/announce",
    "C:/torrents",
    "10.0.0.5?x",
    "10.0.0.5#x",
    "C:\\torrents",
    "\\\\server\\share",
    "host:port",
    "[fd00::5",
    "fe80::1%eth0",
    "6969",
    "10.0.0",
    "0x0a.1",
    "010.0.0.5",
    "256.0.0.1",
    "10.0.0.5\u0000",
    "udp://h\u0012:1",
    "http://h/\u001b[2J",
  ];
  for (const address of addresses) assert.equal(parseAnnounceAddress(address), undefined, address);
});

Deno.test("parseAnnounceAddress refuses credentials, which would end up in logs", () => {
  for (
    const address of ["http://me:pw@10.0.0.5/", "http://me@10.0.0.5/", "http://:pw@10.0.0.5/", "me@10.0.0.5"]
  ) {
    assert.equal(parseAnnounceAddress(address), undefined, address);
  }
});

Deno.test("announcePort fills in the default of each scheme", () => {
  const ports = {
    "http://h/": 80,
    "https://h/": 443,
    "udp://h": 6969,
    "http://h:6969/": 6969,
    "udp://h:80": 80,
  };
  for (const [url, port] of Object.entries(ports)) assert.equal(announcePort(new URL(url)), port, url);
});
