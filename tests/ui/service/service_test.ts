/** Services of every system: what is written for them, and that the systems' own tools take it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { firewallLines } from "../../../lib/ui/service/firewall.ts";
import { launchdPlan } from "../../../lib/ui/service/launchd.ts";
import { scheduledTaskPlan, windowsWord } from "../../../lib/ui/service/scheduled_task.ts";
import type { ServiceSetup } from "../../../lib/ui/service/service_plan.ts";
import { systemdPlan } from "../../../lib/ui/service/systemd.ts";
import { runCommand } from "../../harness/processes/cli_run.ts";
import { linesOf } from "../../harness/processes/lines.ts";
import { Program } from "../../harness/processes/program.ts";
import { needs } from "../../harness/processes/require_tool.ts";

const AWKWARD = [`two words`, `100%`, `$HOME`, `"quoted"`, `back\\slash`, `<&>`, `it's`];
const setup: ServiceSetup = {
  program: ["/usr/bin/env"],
  args: ["start", ...AWKWARD, "--home", "/srv/peer"],
  home: "/srv/peer",
  isSystem: false,
};

/** Runs a program to its end and returns what it says on standard output; it must say nothing else. */
async function outputOf(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, env, stdin: "null" }).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.ok(success);
  return new TextDecoder().decode(stdout);
}

/** Calls `use` with a folder that is removed afterwards. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "peer-service-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

needs("systemd-analyze")("systemdPlan writes units that systemd finds no fault with", async () => {
  await withFolder(async (folder) => {
    for (const isSystem of [false, true]) {
      for (const home of [folder, "/var/lib/peer"]) {
        const unit = systemdPlan({ ...setup, home, isSystem }).files.at(-1)!;
        const path = join(folder, "peer.service");
        await Deno.writeTextFile(path, unit.text);
        const scope = isSystem ? "--system" : "--user";
        assert.equal(
          await outputOf("systemd-analyze", ["verify", "--man=no", scope, path], { XDG_RUNTIME_DIR: folder }),
          "",
        );
      }
    }
  });
});

Deno.test("systemdPlan quotes each word so that systemd gives it to the program as it is", () => {
  const [{ text }] = systemdPlan(setup).files;
  assert.ok(text.includes(
    `ExecStart="/usr/bin/env" "start" "two words" "100%%" "$$HOME" "\\"quoted\\"" "back\\\\slash" "<&>" "it's" "--home"`,
  ));
});

Deno.test("systemdPlan gives a system service its own user, its folder, and little else", () => {
  const plan = systemdPlan({ ...setup, home: "/var/lib/peer", isSystem: true });
  assert.deepEqual(plan.files.map(({ path }) => path), [
    "/etc/sysusers.d/peer.conf",
    "/etc/systemd/system/peer.service",
  ]);
  const { text } = plan.files[1];
  for (
    const line of [
      "User=peer",
      "StateDirectory=peer",
      "ProtectSystem=strict",
      "Type=notify",
      "LimitNOFILE=65536",
    ]
  ) {
    assert.ok(text.split("\n").includes(line), line);
  }
  const elsewhere = systemdPlan({ ...setup, home: "/home/a/b", isSystem: true }).files[1].text;
  assert.match(elsewhere, /^ReadWritePaths="\/home\/a\/b"$/m);
  assert.doesNotMatch(elsewhere, /ProtectHome|StateDirectory/);
});

needs("python3")("launchdPlan writes a property list with what launchd needs", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "job.plist");
    await Deno.writeTextFile(path, launchdPlan(setup).files[0].text);
    const script = "import plistlib, json, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    const job = JSON.parse(await outputOf("python3", ["-c", script, path]));
    assert.equal(job.Label, "local.peer");
    assert.deepEqual(job.ProgramArguments, [...setup.program, ...setup.args]);
    assert.deepEqual([job.RunAtLoad, job.KeepAlive], [true, { SuccessfulExit: false }]);
    assert.equal(job.WorkingDirectory, "/srv/peer");
  });
});

needs("python3")("scheduledTaskPlan writes a task with the members that the schema requires", async () => {
  await withFolder(async (folder) => {
    for (const isSystem of [false, true]) {
      const path = join(folder, "task.xml");
      const [{ text }] = scheduledTaskPlan({ ...setup, home: "C:\\peer", isSystem }).files;
      await Deno.writeTextFile(path, text.replace("UTF-16", "UTF-8"));
      const script = "import xml.etree.ElementTree as E, sys\n" +
        "walk = lambda e, p: [print(p + e.tag.split('}')[1] + '=' + (e.text or '').strip())] + " +
        "[walk(c, p + e.tag.split('}')[1] + '/') for c in e]\n" +
        "walk(E.parse(sys.argv[1]).getroot(), '')";
      const members = new Map(
        (await outputOf("python3", ["-c", script, path])).trim().split(/\r?\n/)
          .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
      );
      assert.ok(members.has(`Task/Triggers/${isSystem ? "BootTrigger" : "LogonTrigger"}`));
      assert.ok(members.has("Task/Principals/Principal"));
      assert.equal(members.get("Task/Actions/Exec/Command"), "/usr/bin/env");
      assert.equal(members.get("Task/Settings/ExecutionTimeLimit"), "PT0S");
      assert.equal(
        members.get("Task/Actions/Exec/Arguments"),
        `start "two words" 100% $HOME "\\"quoted\\"" back\\slash <&> it's --home /srv/peer`,
      );
    }
  });
});

Deno.test("scheduledTaskPlan quotes the root of a drive so that it stays one word", () => {
  const { enable, files } = scheduledTaskPlan({ ...setup, args: [], home: "D:\\", isSystem: true });
  assert.match(enable, /^icacls "D:\\\\" \/grant \*S-1-5-19:/);
  assert.equal(files[0].path, "D:\\service\\peer.xml");
});

Deno.test("windowsWord doubles backslashes before a quote, and only there", () => {
  assert.deepEqual(["C:\\a b\\", `a\\"b`, "", "C:\\a\\"].map(windowsWord), [
    `"C:\\a b\\\\"`,
    `"a\\\\\\"b"`,
    `""`,
    "C:\\a\\",
  ]);
});

Deno.test("firewallLines opens each port for the protocols it is used with", () => {
  const ports = { tcp: [6881, 6969], udp: [6969, 6771] };
  assert.deepEqual(firewallLines("linux", ports, "/usr/bin/peer"), [
    "ufw: ufw allow proto tcp to any port 6881,6969 && ufw allow proto udp to any port 6969,6771",
    "firewalld: firewall-cmd --permanent --add-port=6881/tcp --add-port=6969/tcp --add-port=6969/udp " +
    "--add-port=6771/udp && firewall-cmd --reload",
    "nftables: nft add rule inet filter input tcp dport '{ 6881, 6969 }' accept && " +
    "nft add rule inet filter input udp dport '{ 6969, 6771 }' accept",
  ]);
  const [windows] = firewallLines("windows", { tcp: [6881], udp: [] }, "C:\\peer.exe");
  assert.match(windows, /protocol=TCP localport=6881$/);
  assert.match(firewallLines("darwin", ports, "/opt/peer")[0], /--add "\/opt\/peer"/);
});

Deno.test("peer service installs, tells of itself, and goes again", async () => {
  await withFolder(async (home) => {
    const run = (...words: string[]) => runCommand("service", ...words, "--home", home);
    assert.deepEqual([(await run("status")).exitCode, (await run("status")).out], [1, ["not installed"]]);
    const shown = await run("install", "--dry-run", "--port", "7000");
    assert.match(shown.out.join("\n"), /7000/);
    assert.deepEqual([...Deno.readDirSync(home)], []);

    const installed = await run("install", "--port", "7000", "--no-tracker", "--only", "*.pdf");
    assert.equal(installed.exitCode, 0);
    const [{ name }] = [...Deno.readDirSync(join(home, "service"))];
    assert.ok(installed.out[0].endsWith(join(home, "service", name)));
    assert.match(installed.out.join("\n"), /TCP 7000, UDP 6771/);
    const told = await run("status");
    assert.equal(told.exitCode, 0);
    assert.equal(told.out[1], `not running in ${home}`);

    assert.equal((await run("remove")).exitCode, 0);
    assert.deepEqual([...Deno.readDirSync(join(home, "service"))], []);
    assert.equal((await run("remove")).exitCode, 0);
  });
});

Deno.test("peer service refuses what start would refuse, and writes nothing", async () => {
  await withFolder(async (home) => {
    for (const words of [["--port", "70000"], ["--no-such-option"], ["--peer"]]) {
      const { exitCode, err } = await runCommand("service", "install", ...words, "--home", home);
      assert.deepEqual([exitCode, err.length], [2, 1], words.join(" "));
    }
    assert.equal((await runCommand("service", "instal", "--home", home)).exitCode, 2);
    assert.deepEqual([...Deno.readDirSync(home)], []);
  });
});

needs("signals to processes")("peer tells systemd when it is ready, and when it stops", async () => {
  await withFolder(async (home) => {
    const path = join(home, "systemd");
    const systemd = Deno.listenDatagram({ transport: "unixpacket", path });
    const hear = async () => new TextDecoder().decode((await systemd.receive())[0]);
    const args = ["--home", home, "--host", "127.0.0.1", "--port", "0", "--no-tracker", "--no-lsd"];
    const peer = new Program().with(args, { env: { NOTIFY_SOCKET: path }, stdout: "piped" }).spawn();
    const reading = Array.fromAsync(linesOf(peer.stdout));
    try {
      assert.equal(await hear(), "READY=1");
      assert.equal((await runCommand("service", "install", "--home", home)).exitCode, 0);
      const { out } = await runCommand("service", "status", "--home", home);
      assert.equal(out[1], `running in ${home}`);
      peer.kill("SIGTERM");
      assert.equal(await hear(), "STOPPING=1");
      assert.ok((await peer.status).success);
      await reading;
    } finally {
      systemd.close();
    }
  });
});
