/** Controllers that behave as badly as they can, beside a transfer of the process that they bother. */
import assert from "node:assert/strict";
import { socketPath } from "../../lib/api/access/control_place.ts";
import { ControlClient } from "../../lib/api/client.ts";
import type { State } from "../../lib/api/shapes.ts";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { PeerProcess } from "../harness/processes/peer_process.ts";
import { statusBytes } from "../harness/processes/process_status.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { median } from "../bench/report.ts";
import { OrderGivers } from "./orders.ts";

const MIB = 1_024 * 1_024;
const DATA = randomBytes(16 * MIB, 3);
const METAINFO = metainfoOf(DATA, 256 * 1_024, "download.bin");
/** So fast does the seeder give; far below what the machine can do, so that a usual speed exists. */
const MAX_UPLOAD = "4M";
const IDLE = 500;
const DEAF_READERS = 50;
const HALVES = 50;
const BODY = new Uint8Array(10 * MIB);
const BODY_PAUSE_MS = 300;
const COMMANDS_PER_SECOND = 400;

/** Where a process is steered, and what opens it. */
interface Target {
  readonly port: number;
  readonly token: string;
}

/** Bothers a process until it is disposed of. */
class Siege implements Disposable {
  readonly #target: Target;
  readonly #connections = new Set<Deno.TcpConn>();
  #isOver = false;
  /** Orders that were answered with 200. */
  commands = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  async begin(): Promise<void> {
    const { token } = this.#target;
    const authorized = `Host: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n`;
    for (let count = 0; count < IDLE; count++) await this.#connect();
    for (let count = 0; count < DEAF_READERS; count++) {
      await this.#say(`GET /api/v1/events HTTP/1.1\r\n${authorized}\r\n`);
    }
    for (let count = 0; count < HALVES; count++) {
      void this.#forEver(() => this.#untilDropped("GET /api/v1/state HTTP/1.1\r\nHos"));
      void this.#forEver(() =>
        this.#untilDropped(
          `POST /api/v1/session/choose HTTP/1.1\r\n${authorized}Content-Length: 9999\r\n\r\n{`,
        )
      );
    }
    const type = { "Content-Type": "application/x-bittorrent" };
    void this.#forEver(() => this.#ask("/api/v1/torrents", type, BODY), BODY_PAUSE_MS);
    void this.#forEver(() => this.#ask("/transmission/rpc", {}, BODY), BODY_PAUSE_MS);
    const order = `/api/v1/torrents/${METAINFO.infoHash}/choose`;
    for (let lane = 0; lane < 4; lane++) void this.#forEver(() => this.#command(order));
  }

  /** Gives its share of the orders of a tenth of a second. */
  async #command(path: string): Promise<void> {
    const pause = new Promise((resolve) => setTimeout(resolve, 100));
    for (let count = 0; count < COMMANDS_PER_SECOND / 40 && !this.#isOver; count++) {
      if (await this.#ask(path, {}, toUtf8('{"uploadSlots":4}')) === 200) this.commands++;
    }
    await pause;
  }

  async #ask(path: string, headers: Record<string, string>, body: Uint8Array<ArrayBuffer>): Promise<number> {
    const { port, token } = this.#target;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, ...headers },
      body,
    });
    await response.body?.cancel();
    return response.status;
  }

  async #connect(): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#target.port });
    this.#connections.add(connection);
    return connection;
  }

  async #say(text: string): Promise<Deno.TcpConn> {
    const connection = await this.#connect();
    await connection.write(toUtf8(text));
    return connection;
  }

  async #untilDropped(text: string): Promise<void> {
    const connection = await this.#say(text);
    try {
      while (await connection.read(new Uint8Array(1_024)) !== null);
    } finally {
      this.#connections.delete(connection);
      connection.close();
    }
  }

  async #forEver(act: () => Promise<unknown>, pauseMs = 50): Promise<void> {
    while (!this.#isOver) {
      await act().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch { /* It was closed by the other side. */ }
    }
  }
}

/** Downloads from a seeder, under siege or not; returns seconds and how much the seeder's memory grew at most. */
async function download(isUnderSiege: boolean): Promise<{ seconds: number; grownBytes: number }> {
  const args = ["--max-upload", MAX_UPLOAD, "--web", "127.0.0.1:0"];
  await using seeder = new PeerProcess([{ metainfo: METAINFO, data: DATA }], args);
  await until(() => seeder.joined === 1, "the seeder", 60_000);
  using client = await ControlClient.open(seeder.home);
  const { page } = await client.get("/web") as { page: string };
  const { port, hash } = new URL(page);
  using siege = new Siege({ port: Number(port), token: hash.slice("#token=".length) });
  const before = statusBytes(seeder.pid, "VmRSS")!;
  if (isUnderSiege) await siege.begin();
  const startedAt = performance.now();
  await using leecher = new PeerProcess([{ metainfo: METAINFO }], [
    "--no-web",
    "--peer",
    `127.0.0.1:${seeder.port}`,
  ]);
  await until(() => leecher.run.lines.some((line) => line.includes('"complete"')), "complete", 120_000);
  const seconds = (performance.now() - startedAt) / 1_000;
  const grownBytes = statusBytes(seeder.pid, "VmHWM")! - before;
  console.log(`${seconds.toFixed(1)} s, ${(grownBytes / MIB).toFixed(0)} MiB more, ${siege.commands} orders`);
  assert.equal(isUnderSiege, siege.commands > 0);
  // It still answers its user.
  assert.equal(typeof (await client.get("/state")).sequence, "number");
  return { seconds, grownBytes };
}

needs("linux")("controllers that behave badly cost a transfer little, and little memory", async () => {
  const usual = await download(false);
  const bothered = await download(true);
  // The attackers need processor time themselves, which a machine that is shared by many does not have.
  assert.ok(bothered.seconds < 2 * usual.seconds + 5, `${bothered.seconds} s instead of ${usual.seconds} s`);
  const grown = bothered.grownBytes - usual.grownBytes;
  assert.ok(grown < 64 * MIB, `${grown / MIB} MiB`);
});

/** A transfer that lasts for all windows, of a pattern that is quickly made. */
const LONG_DATA = new Uint8Array(160 * MIB);
for (let at = 0; at < LONG_DATA.length; at += DATA.length) LONG_DATA.set(DATA, at);
const LONG = metainfoOf(LONG_DATA, 256 * 1_024, "long.bin");
const LONG_UPLOAD = "8M";
const ORDERS_PER_SECOND = 1_000;
const WINDOWS = 5;
const WINDOW_MS = 1_500;

needs("linux")(
  "1,000 orders a second take less than a tenth of a transfer's speed, and little memory",
  async () => {
    const args = ["--max-upload", LONG_UPLOAD, "--web", "127.0.0.1:0"];
    await using seeder = new PeerProcess([{ metainfo: LONG, data: LONG_DATA }], args);
    await until(() => seeder.joined === 1, "the seeder", 60_000);
    using client = await ControlClient.open(seeder.home);
    const { page } = await client.get("/web") as { page: string };
    const { port, hash } = new URL(page);
    const socket = socketPath(seeder.home)!;
    const doors = { socket, port: Number(port), token: hash.slice("#token=".length) };
    const torrent = `/api/v1/torrents/${LONG.infoHash}`;
    const orders = [
      [`${torrent}/choose`, '{"uploadSlots":4}'],
      [`${torrent}/labels`, '{"labels":["films"]}'],
      ["/api/v1/session/choose", '{"downloadSources":4}'],
      [`${torrent}/peers`, '{"add":["127.0.0.1:9"]}'],
      [`${torrent}/queue`, '{"to":"top"}'],
      [`${torrent}/resume`, "{}"],
      [`${torrent}/select`, '{"first":["*.bin"]}'],
      ["/api/v1/session/unban", '{"address":"10.9.8.7"}'],
    ] as const;
    await using leecher = new PeerProcess([{ metainfo: LONG }], [
      "--peer",
      `127.0.0.1:${seeder.port}`,
      "--no-web",
    ]);
    await until(() => leecher.joined === 1, "the download", 60_000);
    const sent = async () =>
      (await client.get("/state") as unknown as State).torrents[LONG.infoHash].uploaded;
    await until(async () => await sent() > 8 * MIB, "the first megabytes", 60_000);
    const before = statusBytes(seeder.pid, "VmRSS")!;

    /** Bytes sent, and orders given, in a second. */
    const window = async (perSecond: number) => {
      await using givers = perSecond === 0 ? undefined : new OrderGivers(doors, orders, perSecond);
      const startedAt = performance.now();
      const from = await sent();
      await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
      const seconds = (performance.now() - startedAt) / 1_000;
      assert.equal(givers?.refused ?? 0, 0);
      return { bytes: (await sent() - from) / seconds, orders: (givers?.done ?? 0) / seconds };
    };
    const usual: number[] = [], ordered: number[] = [], given: number[] = [];
    for (let round = 0; round < WINDOWS; round++) {
      usual.push((await window(0)).bytes);
      const { bytes, orders } = await window(ORDERS_PER_SECOND);
      ordered.push(bytes);
      given.push(orders);
    }
    const share = median(ordered) / median(usual);
    const grown = statusBytes(seeder.pid, "VmHWM")! - before;
    console.log(
      `${(100 * share).toFixed(0)} % of ${(median(usual) / MIB).toFixed(1)} MiB/s, ` +
        `${median(given).toFixed(0)} orders a second, ${(grown / MIB).toFixed(0)} MiB more`,
    );
    // A machine that is shared by many cannot give all of them; they must cost no more there.
    assert.ok(median(given) > 0.1 * ORDERS_PER_SECOND, `${median(given)} orders a second`);
    assert.ok(share > 0.9, `${share}`);
    assert.ok(grown < 64 * MIB, `${grown / MIB} MiB`);
  },
);
