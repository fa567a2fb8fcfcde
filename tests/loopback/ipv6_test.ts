import assert from "node:assert/strict";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";

const SHARED = sharedData(100_000);

Deno.test("Session downloads over IPv6 from a peer it was told of by an IPv6 tracker", async () => {
  await using seeder = await TestSession.start({ host: "::1", runTracker: true });
  const announce = [`http://[::1]:${seeder.trackerPort}/announce`];
  await seeder.seed(SHARED, announce);
  await using leecher = await TestSession.start({ host: "::1" });
  await leecher.leech(SHARED, [], announce);
  await leecher.completes(SHARED);
  assert.equal((await leecher.whenEvent("connected")).peer, `[::1]:${seeder.session.port}`);
});

Deno.test("Session that listens on all addresses is reached by IPv4 and by IPv6", async () => {
  await using seeder = await TestSession.start({ host: undefined });
  await seeder.seed(SHARED);
  for (const host of ["127.0.0.1", "[::1]"]) {
    await using leecher = await TestSession.start();
    await leecher.leech(SHARED, [`${host}:${seeder.session.port}`]);
    await leecher.completes(SHARED);
    assert.equal((await leecher.whenEvent("connected")).peer, `${host}:${seeder.session.port}`);
  }
});
