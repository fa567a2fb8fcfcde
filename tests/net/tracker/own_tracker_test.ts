import assert from "node:assert/strict";
import { announceProblems, missingTrackers, trackersOf } from "../../../lib/net/tracker/own_tracker.ts";

Deno.test("trackersOf tells our own tracker, by its host and port, from the others", async () => {
  const announceTiers = [["127.0.0.1:7000", "udp://localhost:7000"], ["http://127.0.0.1:7001/a?key=1"], [
    "192.0.2.1:7000",
    "no address",
  ]];
  assert.deepEqual(await trackersOf({ announceTiers }, 7_000), {
    tiers: [[], ["http://127.0.0.1:7001/a?key=1"], ["http://192.0.2.1:7000/announce"]],
    isAnnouncer: true,
    problems: ['cannot announce to "no address", which is no URL and no host'],
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

/** How people and programs spell the address of a tracker that is on port 7000 of this machine. */
const ANSWERED = [
  "",
  "/",
  "/announce/",
  "//announce",
  "/announce/KEY",
  "/KEY/announce",
  "/announce.php",
  "/Announce",
];

Deno.test("trackersOf counts as our own tracker whatever it answers, and says why of what it does not", async () => {
  for (const path of ANSWERED) {
    const { isAnnouncer, problems } = await trackersOf(
      { announceTiers: [[`http://127.0.0.1:7000${path}`]] },
      7_000,
    );
    assert.deepEqual([isAnnouncer, problems], [true, []], path);
  }
  for (
    const [url, why] of [["https://127.0.0.1:7000/announce", /http and udp only/], [
      "http://127.0.0.1:7000/x",
      /path is/,
    ]] as const
  ) {
    const { tiers, isAnnouncer, problems } = await trackersOf({ announceTiers: [[url]] }, 7_000);
    assert.deepEqual([tiers, isAnnouncer, problems.length], [[[]], false, 1]);
    assert.match(problems[0], why);
    assert.match(problems[0], /peer edit --announce http:\/\/127.0.0.1:7000\/announce"$/);
  }
});

Deno.test("announceProblems looks at announce URLs of this machine and its tracker's ports only", async () => {
  const urls = [
    "https://127.0.0.1:6969/a",
    "https://127.0.0.1:7/a",
    "https://192.0.2.1:6969/a",
    "http://127.0.0.1:6970",
  ];
  assert.equal((await announceProblems(urls, { first: 6_969, last: 6_978 })).length, 1);
});
