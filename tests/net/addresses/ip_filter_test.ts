import assert from "node:assert/strict";
import { IpFilter, loadIpFilter } from "../../../lib/net/addresses/ip_filter.ts";
import { silentLogger } from "../../../lib/log.ts";
import { IP_FILTER } from "../../../lib/settings.ts";

/** Which of the addresses a list holds. */
const held = (text: string, ...addresses: string[]) => {
  const filter = new IpFilter(text);
  return addresses.filter((address) => filter.has(address));
};

Deno.test("IpFilter reads single addresses, prefixes and ranges of both families", () => {
  const text =
    "# comment\n; too\n// and this\n\n10.0.0.1\n10.1.0.0/16\r\n10.2.0.5-10.2.0.9\n10.3.0.5 - 10.3.0.9\n" +
    "fd00::1\nfd01::/16\nfd02::5-fd02::9\n0.0.0.0/32\n255.255.255.255";
  assert.deepEqual(
    held(text, "10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.255.255", "10.1.0.0", "10.1.255.255", "10.2.0.0"),
    ["10.0.0.1", "10.1.0.0", "10.1.255.255"],
  );
  assert.deepEqual(
    held(text, "10.2.0.4", "10.2.0.5", "10.2.0.9", "10.2.0.10", "10.3.0.7", "0.0.0.0", "255.255.255.255"),
    ["10.2.0.5", "10.2.0.9", "10.3.0.7", "0.0.0.0", "255.255.255.255"],
  );
  assert.deepEqual(
    held(text, "fd00::", "fd00::1", "fd01::", "fd01:ffff::ffff", "fd02::4", "fd02::5", "fd02::9", "fd02::a"),
    ["fd00::1", "fd01::", "fd01:ffff::ffff", "fd02::5", "fd02::9"],
  );
  assert.deepEqual(new IpFilter(text).malformedLines, []);
});

Deno.test("IpFilter reads eMule's .dat, whose zeros are decimal and whose high levels allow", () => {
  const text = "010.000.000.008 - 010.000.000.010 , 000 , a name, with - and :\n" +
    "011.000.000.000 - 011.255.255.255 , 127 , blocked\n012.000.000.000 - 012.255.255.255 , 128 , allowed\n";
  assert.deepEqual(held(text, "10.0.0.7", "10.0.0.8", "10.0.0.10", "8.0.0.8", "11.1.1.1", "12.1.1.1"), [
    "10.0.0.8",
    "10.0.0.10",
    "11.1.1.1",
  ]);
});

Deno.test("IpFilter reads PeerGuardian's text form, also with colons and commas in names", () => {
  const text = "A company, Inc:10.0.0.0-10.0.0.255\nsome: name:with 1-2:10.1.0.0-10.1.0.255\n" +
    "in IPv6:fd00::1-fd00::ff\n";
  assert.deepEqual(held(text, "10.0.0.77", "10.1.0.77", "fd00::77", "10.2.0.1"), [
    "10.0.0.77",
    "10.1.0.77",
    "fd00::77",
  ]);
});

Deno.test("IpFilter counts malformed lines and goes on", () => {
  const text =
    "nonsense\n10.0.0.1\n10.0.0.256\n10.0.0.0/33\n10.0.0.9-10.0.0.1\n10.0.0.1-fd00::1\nfd00::/129\n1.2.3\n" +
    "10.0.0.0/\n-\n,\n:\n\u0000\n10.0.0.3";
  const filter = new IpFilter(text);
  assert.deepEqual(filter.malformedLines, [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  assert.ok(filter.has("10.0.0.1") && filter.has("10.0.0.3"));
});

Deno.test("IpFilter reads lines of a sane length only", () => {
  const named = (length: number) => `${":".repeat(length - 20)}10.0.0.10-10.0.0.20`.padStart(length, "n");
  assert.equal(new IpFilter(named(IP_FILTER.maxLineLength)).size, 1);
  assert.deepEqual(new IpFilter(named(IP_FILTER.maxLineLength + 1)).malformedLines, [1]);
  const start = performance.now();
  new IpFilter(":".repeat(1_000_000));
  assert.ok(performance.now() - start < 1_000);
});

Deno.test("IpFilter joins ranges that overlap, touch or hold each other", () => {
  const filter = new IpFilter(
    "10.0.0.5-10.0.0.9\n10.0.0.0-10.0.0.4\n10.0.0.2-10.0.0.3\n10.0.0.8-10.0.0.20\n10.0.0.22",
  );
  assert.equal(filter.size, 2);
  assert.ok(!filter.has("10.0.0.21"));
});

Deno.test("IpFilter treats IPv4 inside IPv6 as IPv4", () => {
  assert.ok(new IpFilter("::ffff:10.0.0.0-::ffff:10.0.0.9").has("10.0.0.5"));
  assert.ok(new IpFilter("10.0.0.5").has("10.0.0.5"));
});

Deno.test("IpFilter gives the same answers as looking through all ranges", () => {
  let state = 7;
  const random = (below: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below;
  const ranges = Array.from({ length: 200 }, () => {
    const first = random(50_000);
    return [first, first + random(100)];
  });
  const text = (value: number) => `10.0.${value >> 8}.${value & 255}`;
  const filter = new IpFilter(ranges.map(([first, last]) => `${text(first)}-${text(last)}`).join("\n"));
  for (let value = 0; value < 50_200; value += 3) {
    assert.equal(filter.has(text(value)), ranges.some(([first, last]) => value >= first && value <= last));
  }
});

Deno.test("loadIpFilter reads a file, tells what is malformed and refuses one that is too large", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/list.p2p`;
    await Deno.writeTextFile(path, "10.0.0.1\n" + "bad\n".repeat(9));
    const warnings: string[] = [];
    const filter = await loadIpFilter(path, { ...silentLogger, warn: (text) => warnings.push(text) });
    assert.ok(filter.has("10.0.0.1"));
    assert.deepEqual(warnings, [`Ignored 9 malformed lines of ${path}: 2, 3, 4, 5, 6, …`]);
    await Deno.truncate(path, IP_FILTER.maxFileBytes + 1);
    await assert.rejects(loadIpFilter(path, silentLogger), RangeError);
    await assert.rejects(loadIpFilter(`${folder}/none`, silentLogger), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
