import assert from "node:assert/strict";
import { type HostReport, MAX_NAME_LENGTH } from "../../lib/protocol/host_report.ts";
import {
  decodeAnnounceReply,
  encodeAnnounceQuery,
  encodeAnnounceReply,
  parseAnnounceQuery,
} from "../../lib/protocol/tracker_http_messages.ts";
import { announceOf } from "../harness/sessions/tracker.ts";

const report: HostReport = {
  name: "Grüße & 漢字 = 1%",
  have: 2 ** 40,
  downloadRate: 12_345,
  uploadRate: 0,
  activity: "downloading",
  bottleneck: "slots",
};

const travelled = (changes: Partial<HostReport>) =>
  parseAnnounceQuery(encodeAnnounceQuery(announceOf("", { report: { ...report, ...changes } }))).report;

Deno.test("host report: it comes back from an announce as it was, and an announce without one has none", () => {
  assert.deepEqual(travelled({}), report);
  assert.deepEqual(travelled({ bottleneck: undefined }), { ...report, bottleneck: undefined });
  assert.equal(parseAnnounceQuery(encodeAnnounceQuery(announceOf(""))).report, undefined);
});

Deno.test("host report: hostile names and nonsense lose their teeth", () => {
  assert.equal(travelled({ name: "a\u001b[2J\nb\u202e" })?.name, "a�[2J�b�");
  assert.equal([...travelled({ name: "😀".repeat(500) })!.name].length, MAX_NAME_LENGTH);
  const query = encodeAnnounceQuery(announceOf("", { report }));
  assert.equal(parseAnnounceQuery(query.replace("host_does=downloading", "host_does=rm")).report, undefined);
  assert.equal(
    parseAnnounceQuery(query.replace("host_slow=slots", "host_slow=x")).report?.bottleneck,
    undefined,
  );
  assert.equal(parseAnnounceQuery(query.replace(/host_have=\d+/, "host_have=-1")).report?.have, 0);
  assert.equal(parseAnnounceQuery(query.replace(/host_name=[^&]*/, "host_name=%zz")).report, undefined);
  assert.equal(parseAnnounceQuery(query.replace(/host_name=[^&]*/, "host_name=%ff%fe")).report?.name, "��");
});

Deno.test("host report: a tracker of our kind says when it wants the next one, in both forms of its reply", () => {
  const reply = { intervalSeconds: 30, peers: [], reportIntervalSeconds: 7 };
  for (const compact of [true, false]) {
    const decoded = decodeAnnounceReply(encodeAnnounceReply(reply, { compact, noPeerId: true }), 50);
    assert.equal(
      "reportIntervalSeconds" in decoded && decoded.reportIntervalSeconds,
      7,
      `compact ${compact}`,
    );
  }
});
