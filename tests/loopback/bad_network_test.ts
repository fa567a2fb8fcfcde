/** Trackers, peers and clocks that misbehave while honest peers share a file. */
import assert from "node:assert/strict";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";

const KIB = 1024;
const BOOK = new Map([["book.epub", randomBytes(1_500 * KIB, 5)]]);
/** A busy machine takes its time. */
const PATIENCE_MS = 60_000;
const YEAR_MS = 365 * 24 * 3_600_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** An HTTP tracker for every kind of trouble. */
function badTrackers() {
  const gone = new AbortController();
  const never = new Promise<Response>((resolve) =>
    gone.signal.addEventListener("abort", () => resolve(new Response()))
  );
  let asked = 0;
  const hear = (answer: () => Response | Promise<Response>) => () => (asked++, answer());
  const drip = () =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          controller.enqueue(Uint8Array.of(0x64));
          await Promise.race([pause(1_000), never]);
          if (gone.signal.aborted) controller.close();
        },
      }),
    );
  const servers = [
    () => never,
    async () => (await Promise.race([pause(3_000), never]), new Response("d8:intervali60e5:peers0:e")),
    drip,
    () => new Response(randomBytes(5_000, 9)),
    () => new Response("d8:intervali-5e5:peersi7ee"),
    () => new Response(null, { status: 503 }),
    () => Response.redirect("http://127.0.0.1:1/announce"),
  ].map((answer) => Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, hear(answer)));
  return {
    urls: servers.map(({ addr }) => `http://127.0.0.1:${addr.port}/announce`),
    get asked() {
      return asked;
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await Promise.all(servers.map((server) => server.shutdown()));
    },
  };
}

Deno.test("Session shares on beside trackers that hang, drip, answer garbage or refuse, and stops in time", async () => {
  await using bad = badTrackers();
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(BOOK, [...bad.urls, seeder.tracker]);
  const infoHash = await seeder.session.add(torrent, []);
  await using leecher = await Machine.start();
  await leecher.session.add(torrent, []);
  await until(() => leecher.swarm(infoHash).seeding, "complete", PATIENCE_MS);
  await leecher.assertHas(BOOK);
  await until(() => bad.asked >= 2 * bad.urls.length, "all were asked by both", PATIENCE_MS);
  for (const machine of [leecher, seeder]) {
    const startedAt = performance.now();
    await machine.stop();
    assert(performance.now() - startedAt < 15_000, "goodbyes have an end");
    assert.equal(machine.events.at(-1)?.event, "stopped");
    assert.deepEqual(machine.namesOf("error"), []);
  }
});

Deno.test("Session dials peers that accept and say nothing, and gets its data from who speaks", async () => {
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(BOOK, []);
  const infoHash = await seeder.session.add(torrent, []);
  const silent = Array.from({ length: 40 }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const names = silent.map(({ addr }) => `127.0.0.1:${addr.port}`);
  try {
    await using leecher = await Machine.start();
    await leecher.session.add(torrent, [...names, seeder.address]);
    await until(() => leecher.swarm(infoHash).seeding, "complete", PATIENCE_MS);
    await leecher.assertHas(BOOK);
    await leecher.stop();
    assert.equal(leecher.events.at(-1)?.event, "stopped");
  } finally {
    for (const listener of silent) listener.close();
  }
});

needs("thousands of connections")(
  "Session survives 5,000 connections that say nothing, and an honest peer downloads among them",
  async () => {
    await using seeder = await Machine.start({ choices: { maxUpload: 500 * KIB } });
    const torrent = await seeder.publish(BOOK, []);
    const infoHash = await seeder.session.add(torrent, []);
    await using leecher = await Machine.start();
    await leecher.session.add(torrent, [seeder.address]);
    let attempts = 0;
    const open: Deno.Conn[] = [];
    const attack = async () => {
      while (attempts < 5_000) {
        attempts++;
        const connection = await Deno.connect({ hostname: "127.0.0.1", port: seeder.session.port }).catch(
          () => {},
        );
        if (connection === undefined) continue;
        open.push(connection);
        // Half of them stay open, as many as there may be.
        if (open.length > 500) open.splice(Math.floor(open.length / 2), 1)[0].close();
      }
    };
    try {
      await Promise.all(Array.from({ length: 20 }, attack));
      await until(() => leecher.swarm(infoHash).seeding, "complete", PATIENCE_MS);
      await leecher.assertHas(BOOK);
      await using late = await Machine.start();
      await late.session.add(torrent, [leecher.address, seeder.address]);
      await until(() => late.swarm(infoHash).seeding, "one that comes later", PATIENCE_MS);
    } finally {
      for (const connection of open) connection.close();
    }
    assert.deepEqual(seeder.namesOf("error"), []);
  },
);

/** A system clock that jumps by years with every look, back and forth. */
function jumpingClock() {
  const real = globalThis.Date;
  let looks = 0;
  const offset = () => (++looks % 2 === 0 ? 1 : -1) * (looks % 30) * YEAR_MS;
  globalThis.Date = class extends real {
    constructor(...args: [] | [number | string]) {
      super(...(args.length === 0 ? [real.now() + offset()] : args) as [number]);
    }

    static override now(): number {
      return real.now() + offset();
    }
  } as DateConstructor;
  return { [Symbol.dispose]: () => globalThis.Date = real };
}

Deno.test("Session downloads, stops and goes on although the system clock jumps by years", async () => {
  using _clock = jumpingClock();
  await using seeder = await Machine.start({ choices: { maxUpload: 500 * KIB } });
  const torrent = await seeder.publish(BOOK, [seeder.tracker]);
  const infoHash = await seeder.session.add(torrent, []);
  await using leecher = await Machine.start();
  const startedAt = performance.now();
  await leecher.session.add(torrent, []);
  await until(() => leecher.swarm(infoHash).downloaded > 500 * KIB, "a part", PATIENCE_MS);
  const { downloadRate, have } = leecher.swarm(infoHash);
  assert(downloadRate > 0 && downloadRate < 10_000 * KIB, `${downloadRate} bytes per second`);
  await leecher.stop();
  await leecher.start();
  await leecher.session.add(torrent, []);
  assert(leecher.swarm(infoHash).have >= have);
  await until(() => leecher.swarm(infoHash).seeding, "complete", PATIENCE_MS);
  await leecher.assertHas(BOOK);
  const complete = leecher.events.find(({ event }) => event === "complete");
  assert(complete?.event === "complete");
  assert(complete.seconds >= 0 && complete.seconds <= (performance.now() - startedAt) / 1_000 + 1);
  for (const machine of [seeder, leecher]) assert.deepEqual(machine.namesOf("error"), []);
});
