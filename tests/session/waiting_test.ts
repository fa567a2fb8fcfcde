import assert from "node:assert/strict";
import { type Search, waitingOf } from "../../lib/session/advice/waiting.ts";
import { swarmSnapshot } from "../harness/sessions/snapshots.ts";

const ALONE: Search = {
  hasTrackers: true,
  failures: [],
  usesMulticast: true,
  isHere: () => false,
  trackerPort: 6969,
  startedAt: -2_000,
  now: 1_000,
};
const failure = { host: "10.0.0.5:6969", reason: "Connection refused", nextTryAt: 13_000 };

Deno.test("waitingOf says nothing of what moves, is done, or stands still for another reason", () => {
  for (
    const changes of [
      { downloadRate: 5 },
      { have: 19, seeding: true },
      { finished: true },
      { state: "failed" as const, failure: "no space left" },
      { checked: 3 },
    ]
  ) {
    assert.equal(waitingOf(swarmSnapshot(changes), ALONE), undefined, JSON.stringify(changes));
  }
});

Deno.test("waitingOf says that pieces are looked for in older data", () => {
  const waiting = waitingOf(swarmSnapshot({ held: 5, offering: 1 }), ALONE);
  assert.equal(waiting!.reason, "an older version that is here is looked through for its pieces");
});

Deno.test("waitingOf leaves a search that has just begun its time", () => {
  assert.equal(waitingOf(swarmSnapshot(), { ...ALONE, startedAt: -1_999 }), undefined);
});

Deno.test("waitingOf names the tracker that fails, why, and when it is asked again", () => {
  const waiting = waitingOf(swarmSnapshot(), { ...ALONE, failures: [failure] });
  assert.deepEqual(waiting, {
    reason: "nobody here has the data yet: tracker 10.0.0.5:6969 refuses connections",
    nextTryInMs: 12_000,
  });
  const sooner = { ...failure, host: "10.0.0.6:6969", nextTryAt: 900 };
  const two = waitingOf(swarmSnapshot(), { ...ALONE, failures: [failure, sooner] });
  assert.match(two!.reason, /tracker 10\.0\.0\.6:6969 .*, and 1 more$/);
  assert.equal(two!.nextTryInMs, 0);
  const never = waitingOf(swarmSnapshot(), { ...ALONE, failures: [{ ...failure, nextTryAt: Infinity }] });
  assert.equal(never!.nextTryInMs, undefined);
});

Deno.test("waitingOf says in plain words what systems say of trackers out of reach", () => {
  for (
    const [reason, words] of [
      ["client error (Connect): tcp connect error: Connection refused (os error 111)", "refuses connections"],
      ["No answer within 10 s", "does not answer"],
      ["No route to host (os error 113)", "cannot be reached"],
      ["getaddrinfo ENOTFOUND tracker", "has a name that is not known here"],
      ["unregistered torrent", "fails (unregistered torrent)"],
    ]
  ) {
    const waiting = waitingOf(swarmSnapshot(), { ...ALONE, failures: [{ ...failure, reason }] });
    assert.ok(waiting!.reason.endsWith(`tracker 10.0.0.5:6969 ${words}`), waiting!.reason);
  }
});

Deno.test("waitingOf tells why nobody gives anything", () => {
  const reason = (changes: Parameters<typeof swarmSnapshot>[0], search: Partial<Search> = {}) =>
    waitingOf(swarmSnapshot(changes), { ...ALONE, ...search })?.reason;
  assert.match(reason({ connections: 2, offering: 1 })!, /^1 peer has data and did not give any yet$/);
  assert.match(reason({ connections: 2 })!, /: 2 peers are connected and lack it too$/);
  assert.match(reason({ connections: 1 })!, /: 1 peer is connected and lacks it too$/);
  assert.match(reason({ known: 3 })!, /: 3 peers are known, but cannot be reached/);
  assert.match(reason({ role: "announcer" })!, /: this machine is the announcer, and nobody else came$/);
  assert.match(reason({})!, /the tracker knows nobody else, and nobody answers by multicast$/);
  const alone = reason({}, { hasTrackers: false, usesMulticast: false });
  assert.match(alone!, /the torrent names no other tracker, and multicast is off$/);
  assert.match(reason({ lacksMetadata: true, missing: 0 })!, /^nobody here has the metadata yet: /);
});

Deno.test("waiting says that the tracker of this machine is at another port, as peer doctor does", () => {
  const here = { ...ALONE, isHere: (host: string) => host === failure.host, trackerPort: 6970 };
  const waiting = waitingOf(swarmSnapshot(), { ...here, failures: [failure] });
  assert.match(
    waiting!.reason,
    /10\.0\.0\.5:6969, which is this machine, but it is on port 6970: end the program that/,
  );
  const none = waitingOf(swarmSnapshot(), { ...here, trackerPort: undefined, failures: [failure] });
  assert.match(none!.reason, /and none runs: start without --no-tracker$/);
});
