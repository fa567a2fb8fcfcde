import assert from "node:assert/strict";
import { doctor, examinationLines } from "../../../lib/ui/control/doctor_command.ts";
import { plain } from "../../../lib/ui/control/paint.ts";
import { torrentSummary } from "../../harness/sessions/api_shapes.ts";
import { FakeRemote, printed, stateWith } from "./fake_remote.ts";

const EXAMINATION = {
  checks: [
    { subject: "addresses", verdict: "good" as const, finding: "10.0.0.17 (eth0)" },
    {
      subject: "peer port",
      verdict: "bad" as const,
      finding: "6881 does not answer 10.0.0.5: allow TCP 6881 in the firewall of this machine",
      blocked: { tcp: [6881], udp: [] },
    },
    { subject: "clock", verdict: "unknown" as const, finding: "nobody answered" },
  ],
  summary: "pc-17 cannot be reached from outside: allow TCP 6881",
};

Deno.test("doctor shows a line for each check, the sentence about all, and the commands for a firewall", () => {
  const page = { width: 60, paint: plain };
  assert.deepEqual(examinationLines(EXAMINATION, page, "linux", "/usr/bin/peer"), [
    "ok   addresses  10.0.0.17 (eth0)",
    "BAD  peer port  6881 does not answer 10.0.0.5: allow TCP",
    "                6881 in the firewall of this machine",
    "?    clock      nobody answered",
    "",
    "pc-17 cannot be reached from outside: allow TCP 6881",
    "  ufw: ufw allow proto tcp to any port 6881",
    "  firewalld: firewall-cmd --permanent --add-port=6881/tcp && firewall-cmd --reload",
    "  nftables: nft add rule inet filter input tcp dport '{ 6881 }' accept",
  ]);
  assert.match(examinationLines(EXAMINATION, page, "windows", "peer.exe").at(-1)!, /netsh advfirewall/);
});

Deno.test("doctor looks at the torrent that is named, and ends with 1 where anything is wrong", async () => {
  const torrent = torrentSummary(1, "course");
  const remote = new FakeRemote({ "/state": stateWith(torrent), "/session/doctor": EXAMINATION });
  let code;
  const [json] = await printed(async () => code = await doctor(remote, "cour", { home: ".", json: true }));
  assert.deepEqual([JSON.parse(json), code], [EXAMINATION, 1]);
  assert.deepEqual(remote.posted, [["/session/doctor", { torrent: torrent.infoHash }]]);
  const [good] = EXAMINATION.checks;
  const well = new FakeRemote({ "/session/doctor": { checks: [good], summary: "pc-17 is well" } });
  const lines = await printed(async () => code = await doctor(well, undefined, { home: "." }));
  assert.deepEqual([lines.at(-1), code, well.posted], ["pc-17 is well", 0, [["/session/doctor", {}]]]);
});
