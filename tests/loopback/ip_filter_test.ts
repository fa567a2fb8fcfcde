import assert from "node:assert/strict";
import { IpFilter } from "../../lib/net/addresses/ip_filter.ts";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";

const SHARED = sharedData(100_000);
const LOOPBACK = new IpFilter("127.0.0.0/8");

Deno.test("Session with an address filter lets nobody in whom it holds", async () => {
  await using seeder = await TestSession.start({ ipFilter: LOOPBACK });
  await seeder.seed(SHARED);
  await using leecher = await TestSession.start();
  await leecher.leech(SHARED, [`127.0.0.1:${seeder.session.port}`]);
  await leecher.whenLogged(/no connection with/, 2);
  await seeder.whenLogged(/connection with 127.0.0.1:\d+ refused: its address is blocked/, 2);
  assert.ok(!seeder.events.some(({ event }) => event === "connected"));
});

Deno.test("Session with an address filter dials nobody whom it holds, whoever names them", async () => {
  await using seeder = await TestSession.start({ runTracker: true });
  const announce = [`http://127.0.0.1:${seeder.trackerPort}/announce`];
  await seeder.seed(SHARED, announce);
  await using leecher = await TestSession.start({ ipFilter: LOOPBACK });
  await leecher.leech(SHARED, [`127.0.0.1:${seeder.session.port}`], announce);
  await leecher.whenLogged(/tracker 127.0.0.1:\d+: Expected an address that is not blocked/);
  assert.ok(!leecher.events.some(({ event }) => event === "peers" || event === "connected"));
});

Deno.test("Session with an address filter talks to all others", async () => {
  const ipFilter = new IpFilter("127.0.0.2-127.255.255.255\n10.0.0.0/8");
  await using seeder = await TestSession.start({ ipFilter });
  await seeder.seed(SHARED);
  await using leecher = await TestSession.start({ ipFilter });
  await leecher.leech(SHARED, [`127.0.0.1:${seeder.session.port}`]);
  await leecher.completes(SHARED);
});
