import assert from "node:assert/strict";
import type { HostView } from "../../../lib/api/shapes.ts";
import { lackText, wait } from "../../../lib/ui/control/wait_command.ts";
import { ApiHome } from "../../api/api_home.ts";
import { runCommand } from "../../harness/processes/cli_run.ts";
import { hostView, torrentSummary } from "../../harness/sessions/api_shapes.ts";
import { sharedData, TestSession } from "../../harness/sessions/test_session.ts";
import { FakeRemote, stateWith } from "./fake_remote.ts";

const shared = sharedData(400_000);
const { name } = shared.metainfo;

const host = (number: number, changes: Partial<HostView>) =>
  hostView(`10.0.0.${number}:6881`, { name: `pc-${number}`, ...changes });
const loading = (number: number) => host(number, { state: "downloading", part: 0.29 });

Deno.test("wait names those that have it not, and how far they are", () => {
  const hosts = [
    host(1, { isSelf: true }),
    loading(2),
    host(3, { state: "gone", part: 0.3 }),
    host(4, { state: "failed", part: 0.71, slow: "its disk is full" }),
    host(5, { state: "gone", part: 1 }),
  ];
  assert.equal(
    lackText(hosts, 7),
    "2 of 7 hosts have it; not yet: pc-4 (71%, its disk is full), pc-2 (29%), pc-3 (30%, gone), " +
      "2 of which nothing is known",
  );
  const crowd = Array.from({ length: 30 }, (_, at) => loading(at));
  assert.match(lackText(crowd, 30), /pc-19 \(29%\), 10 more$/);
});

Deno.test("wait returns when this machine has it, or so many have it, and fails when its time is over", async () => {
  await using api = await ApiHome.start();
  await using seeder = await TestSession.start({ choices: { maxUpload: 20_000 } });
  await seeder.seed(shared);
  await api.test.leech(shared, [`127.0.0.1:${seeder.session.port}`]);
  const wait = (...args: string[]) => runCommand("wait", name, ...args, "--home", api.test.home);

  const early = await wait("--timeout", "1.2s");
  assert.deepEqual([early.exitCode, early.out], [1, []]);
  assert.match(early.err[0], new RegExp(`^peer: ${name}: after 2s not complete \\(\\d+%\\)$`));
  const lonely = await wait("--hosts", "3", "--timeout", "1s");
  assert.equal(lonely.exitCode, 1);
  assert.match(
    lonely.err[0],
    /after 1s 1 of 3 hosts have it; not yet: .* \(\d+%\), 1 of which nothing is known$/,
  );

  const waiting = wait("--hosts", "2");
  await seeder.session.choose({ maxUpload: undefined });
  const room = await waiting;
  const self = await wait();
  const json = await wait("--hosts=2", "--json");
  assert.deepEqual([self.exitCode, self.out, self.err], [0, [`${name}: complete`], []]);
  assert.deepEqual([room.exitCode, room.out, room.err], [0, [`${name}: 2 hosts have it`], []]);
  assert.deepEqual(JSON.parse(json.out[0]).map(({ state }: HostView) => state), ["done", "done"]);
});

Deno.test("wait fails with the reason where the torrent has failed here, but waits on for others", async () => {
  const torrent = torrentSummary(1, "course", { state: "failed", failure: "no space left" });
  const hosts = [host(1, { isSelf: true, state: "failed", part: 0.5 }), loading(2)];
  const answers = { "/state": stateWith(torrent), [`/torrents/${torrent.infoHash}/hosts`]: { hosts } };
  const waiting = (options: object) => wait(new FakeRemote(answers), "course", { home: ".", ...options });
  await assert.rejects(() => waiting({}), { name: "Failure", what: "course", message: "no space left" });
  await assert.rejects(() => waiting({ hosts: 1 }), /Expected the events of the peer, got their end/);
});
