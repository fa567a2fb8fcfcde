import assert from "node:assert/strict";
import { missingTrackers, trackersOf } from "../../../lib/net/tracker/own_tracker.ts";

Deno.test("trackersOf tells our own tracker, by its host and port, from the others", async () => {
  const announceTiers = [["127.0.0.1:7000", "udp://localhost:7000"], ["http://127.0.0.1:7001/a?key=1"], [
    "192.0.2.1:7000",
    "no address",
  ]];
  assert.deepEqual(await trackersOf({ announceTiers }, 7_000), {
    tiers: [[], ["http://127.0.0.1:7001/a?key=1"], ["http://192.0.2.1:7000/announce"]],
    isAnnouncer: true,
  });
  assert.equal((await trackersOf({ announceTiers }, undefined)).isAnnouncer, false);
});

Deno.test("missingTrackers warns once of each announce to this machine that failed, and of no other", async () => {
  const warnings: string[] = [];
  const failed = missingTrackers(6_970, (message) => warnings.push(message));
  for (let times = 0; times < 2; times++) {
    await failed("http://127.0.0.1:6969/announce?passkey=secret", "connection refused");
    await failed("http://192.0.2.1:6969/announce", "no answer");
  }
  assert.deepEqual(warnings, [
    "no tracker answers at 127.0.0.1:6969, which is this machine (connection refused), and ours is on " +
    `port 6970: free port 6969 and start again, or change the torrent with "peer edit"`,
  ]);
});
