import assert from "node:assert/strict";
import dgram from "node:dgram";
import { LocalDiscovery } from "../../../lib/net/discovery/local_discovery.ts";
import { silentLogger } from "../../../lib/log.ts";
import type { Endpoint } from "../../../lib/protocol/endpoint.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import { encodeLsd, LSD_GROUPS, LSD_PORT } from "../../../lib/protocol/lsd_message.ts";
import { LOCAL_DISCOVERY } from "../../../lib/settings.ts";

const randomInfoHash = () => crypto.getRandomValues(new Uint8Array(20)).toHex() as InfoHash;
const loopback = () =>
  Deno.networkInterfaces().filter(({ address, family }) => address === "127.0.0.1" && family === "IPv4");

/** A discovery on loopback alone, the endpoints it heard of, and a way to wait for more of them. */
class Listener {
  readonly heard: { infoHash: InfoHash; endpoint: Endpoint }[] = [];
  readonly discovery: LocalDiscovery;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #notify = () => {};

  constructor(port: number, networkInterfaces = loopback, host?: string) {
    this.discovery = new LocalDiscovery({
      host,
      port,
      log: silentLogger,
      networkInterfaces,
      heard: (infoHash, endpoint) => {
        this.heard.push({ infoHash, endpoint });
        this.#notify();
      },
    });
    this.#running = this.discovery.run(this.#stop.signal);
  }

  async hears(count: number): Promise<void> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#notify = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

/** Sends datagrams to the group over loopback, as a client of another kind would. */
async function sendRaw(...datagrams: Uint8Array[]): Promise<void> {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "0.0.0.0", resolve));
  socket.setMulticastInterface("127.0.0.1");
  for (const bytes of datagrams) {
    await new Promise((resolve) => socket.send(bytes, LSD_PORT, LSD_GROUPS[4], resolve));
  }
  await new Promise<void>((resolve) => socket.close(resolve));
}

Deno.test("LocalDiscovery lets two processes on one machine find each other at once", async () => {
  const infoHash = randomInfoHash();
  await using a = new Listener(7001);
  a.discovery.announce([infoHash]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  await using b = new Listener(7002);
  b.discovery.announce([infoHash]);
  await Promise.all([a.hears(1), b.hears(1)]);
  assert.ok(performance.now() - started < 2000);
  assert.deepEqual(a.heard[0], { infoHash, endpoint: { address: "127.0.0.1", port: 7002 } });
  assert.deepEqual(b.heard[0], { infoHash, endpoint: { address: "127.0.0.1", port: 7001 } });
});

Deno.test("LocalDiscovery announces a torrent that comes later, and many in few datagrams", async () => {
  const infoHashes = Array.from({ length: 60 }, randomInfoHash);
  await using a = new Listener(7001);
  await using b = new Listener(7002);
  a.discovery.announce(infoHashes);
  await new Promise((resolve) => setTimeout(resolve, 50));
  b.discovery.announce(infoHashes);
  await a.hears(infoHashes.length);
  assert.deepEqual(new Set(a.heard.map(({ infoHash }) => infoHash)), new Set(infoHashes));
});

Deno.test("LocalDiscovery reads other clients, and ignores itself, strangers and nonsense", async () => {
  const [infoHash, other] = [randomInfoHash(), randomInfoHash()];
  await using a = new Listener(7001);
  a.discovery.announce([infoHash]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await sendRaw(
    new TextEncoder().encode("nonsense"),
    encodeLsd({ infoHashes: [other], port: 7003, cookie: "" }, 4),
    encodeLsd({ infoHashes: [other, infoHash], port: 7004, cookie: "" }, 4),
  );
  await a.hears(1);
  assert.deepEqual(a.heard, [{ infoHash, endpoint: { address: "127.0.0.1", port: 7004 } }]);
});

Deno.test("LocalDiscovery reads a limited number of datagrams from one sender", async () => {
  const infoHash = randomInfoHash();
  await using a = new Listener(7001);
  a.discovery.announce([infoHash]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const flood = Array.from(
    { length: 3 * LOCAL_DISCOVERY.perSenderPerSecond },
    (_, i) => encodeLsd({ infoHashes: [infoHash], port: 8000 + i, cookie: "" }, 4),
  );
  await sendRaw(...flood);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(a.heard.length > 0);
  // A window may end within the flood.
  assert.ok(a.heard.length <= 2 * LOCAL_DISCOVERY.perSenderPerSecond, `${a.heard.length}`);
});

Deno.test("LocalDiscovery goes on when one interface cannot be used", async () => {
  const infoHash = randomInfoHash();
  const withBroken = () => [{ ...loopback()[0], name: "gone", address: "203.0.113.77" }, ...loopback()];
  await using a = new Listener(7001, withBroken);
  await using b = new Listener(7002);
  a.discovery.announce([infoHash]);
  b.discovery.announce([infoHash]);
  await Promise.all([a.hears(1), b.hears(1)]);
});

Deno.test("LocalDiscovery uses an interface that comes later", async () => {
  const infoHash = randomInfoHash();
  let interfaces: Deno.NetworkInterfaceInfo[] = [];
  await using a = new Listener(7001, () => interfaces);
  await using b = new Listener(7002);
  a.discovery.announce([infoHash]);
  b.discovery.announce([infoHash]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(b.heard, []);
  interfaces = loopback();
  await b.hears(1);
});

Deno.test("LocalDiscovery uses an interface again that was away", async () => {
  const infoHash = randomInfoHash();
  let interfaces = loopback();
  await using a = new Listener(7001, () => interfaces);
  await using b = new Listener(7002);
  a.discovery.announce([infoHash]);
  b.discovery.announce([infoHash]);
  await Promise.all([a.hears(1), b.hears(1)]);
  const { length } = b.heard;
  interfaces = [];
  await new Promise((resolve) => setTimeout(resolve, 2 * LOCAL_DISCOVERY.rescanMs));
  interfaces = loopback();
  await b.hears(length + 1);
});

Deno.test("LocalDiscovery uses the interfaces of the address it listens on, all of them for any address", async () => {
  for (
    const [host, isHeard] of [["0.0.0.0", true], ["::", true], ["127.0.0.1", true], [
      "192.0.2.1",
      false,
    ]] as const
  ) {
    const infoHash = randomInfoHash();
    await using a = new Listener(7001, loopback, host);
    await using b = new Listener(7002);
    a.discovery.announce([infoHash]);
    b.discovery.announce([infoHash]);
    if (isHeard) await b.hears(1);
    else await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(b.heard.length > 0, isHeard, host);
  }
});
