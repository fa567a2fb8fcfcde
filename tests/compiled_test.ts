/**
 * Smoke test of the compiled program, which `PEER_BINARY` names (`deno task test:compiled` makes it first): what only
 * compiling can break, such as a permission, an embedded worker or the native parts of a dependency.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import denoConfig from "../deno.json" with { type: "json" };
import { Executable, NATIVE_TARGET } from "./harness/processes/executable.ts";
import { PeerRun } from "./harness/processes/peer_run.ts";

const EXAMPLE = fileURLToPath(new URL("../shareable/age.txt", import.meta.url));
const binary = Deno.env.get("PEER_BINARY");
const program = binary === undefined ? undefined : await Executable.at(binary, Deno.env.get("PEER_TARGET"));
/** The user and group that own nothing. */
const NOBODY = 65_534;
/** Where temporary folders are made: paths without a drive, which mean the same to Windows. */
const TEMP = Deno.build.os === "windows" ? {} : { dir: "/tmp" };

/** Runs it to its end. */
async function peer(args: string[], options: Deno.CommandOptions = {}) {
  const { code, stdout, stderr } = await program!.with(args, options).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Starts it and follows its JSON lines. */
function startPeer(name: string, args: string[], options: Deno.CommandOptions): PeerRun {
  const piped = { stdout: "piped", stderr: "piped" } as const;
  const all = ["start", "--progress", "json", "--host", "127.0.0.1", "--port", "0", ...args];
  return new PeerRun(name, program!.with(all, { ...options, ...piped }).spawn());
}

function freePort(): number {
  using listener = Deno.listen({ port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** A test that gets a folder of its own; `isMeant` says whether it is for the program that is tested. */
function compiledTest(name: string, test: (folder: string) => Promise<void>, isMeant = true): void {
  Deno.test({
    name,
    ignore: binary === undefined || !isMeant,
    async fn() {
      const folder = await Deno.makeTempDir(TEMP);
      try {
        await using _shared = await program!.share(folder);
        await test(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

compiledTest("compiled peer tells its version, Deno's and the system it was made for", async () => {
  // The Deno that runs this test is the one that compiled it.
  const { deno: madeWith } = Deno.version;
  assert.deepEqual(await peer(["--version"]), {
    code: 0,
    stdout: `peer ${denoConfig.version}\nDeno ${madeWith}, ${program!.target}\n`,
    stderr: "",
  });
});

compiledTest("compiled peer shows help without any environment", async () => {
  for (const args of [["--help"], ["start", "--help"], ["create", "--help"]]) {
    const { code, stdout, stderr } = await peer(args, { clearEnv: true });
    assert.match(stdout, /^Usage: peer/);
    assert.deepEqual([code, stderr], [0, ""]);
  }
});

compiledTest("compiled peer says in one line what is wrong, with the exit status for it", async (folder) => {
  const malformed = join(folder, "malformed.torrent");
  await Deno.writeTextFile(malformed, "d4:infoi-0ee");
  const wrong: [number, string[]][] = [
    [1, ["create", join(folder, "nothing"), "--home", folder]],
    [2, ["--no-such-option"]],
    [2, ["start", "--port", "65536"]],
    [3, ["info", malformed]],
  ];
  for (const [expected, args] of wrong) {
    const { code, stdout, stderr } = await peer(args, { cwd: folder });
    assert.match(stderr, /^peer: .+\n$/);
    assert.deepEqual([code, stdout], [expected, ""], args.join(" "));
  }
});

compiledTest("compiled peer steers no peer of another user, and says why", async (folder) => {
  await Deno.chmod(folder, 0o755);
  const copy = join(folder, "peer");
  await Deno.copyFile(binary!, copy);
  await Deno.chmod(copy, 0o755);
  const home = join(folder, "home");
  const [command, ...first] = program!.commandLine(["start", "--home", home, "--port", "0", "--no-tracker"]);
  const child = new Deno.Command(command, { args: first, stdin: "null", stdout: "null" }).spawn();
  try {
    while ((await peer(["status", "--home", home])).code !== 0);
    const link = `magnet:?xt=urn:btih:${"01".repeat(20)}`;
    for (const order of [["status"], ["stop"], ["add", link], [link], ["get"], ["fleet"]]) {
      const options = { args: [...order, "--home", home], uid: NOBODY, gid: NOBODY, env: { HOME: folder } };
      const { code, stdout, stderr } = await new Deno.Command(copy, options).output();
      const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.deepEqual([code, ...said], [
        1,
        "",
        `peer: --home: Expected a home of this user, got one of another: ${home}\n`,
      ]);
    }
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
}, program?.target === NATIVE_TARGET && Deno.build.os === "linux" && Deno.uid() === 0);

compiledTest("compiled peer leaves the window of a double click open after a failure", async (folder) => {
  await Deno.writeTextFile(join(folder, "state"), "in the way");
  // The tool gives the program a terminal, which Wine makes a console of.
  const line = program!.commandLine([]).map((word) => `'${word}'`).join(" ");
  const args = ["--quiet", "--return", "--command", line, "/dev/null"];
  const env = { WIN_DIR: folder };
  const child = new Deno.Command("script", { args, env, stdin: "piped", stdout: "piped" }).spawn();
  const input = child.stdin.getWriter();
  let shown = "";
  let isAnswered = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    if (isAnswered || !shown.includes("[Enter]")) continue;
    isAnswered = true;
    await input.write(new TextEncoder().encode("\r"));
  }
  await input.close();
  assert.match(
    shown,
    /peer: start: Cannot make the folder [^]*The program has ended\. \[Enter\]/,
  );
  assert.equal((await child.status).code, 1);
}, program?.isWindows);

compiledTest(
  "compiled peer downloads from another, with an empty HOME, from a read-only folder",
  async (folder) => {
    const [seed, leech, emptyHome, readOnly] = ["seed", "leech", "empty", "read-only"].map((name) =>
      join(folder, name)
    );
    for (const path of [`${seed}/shareable`, `${leech}/torrents`, emptyHome, readOnly]) {
      await Deno.mkdir(path, { recursive: true });
    }
    if (Deno.build.os !== "windows") await Deno.chmod(readOnly, 0o555);
    // Wine keeps its own files in HOME.
    const env: Record<string, string> = program!.isWindows ? {} : { HOME: emptyHome };
    const options = { cwd: readOnly, env };
    const trackerPort = String(freePort());
    const original = join(seed, "shareable/age.txt");
    const torrent = join(leech, "torrents/age.torrent");
    await Deno.copyFile(EXAMPLE, original);

    const announce = ["--announce", `127.0.0.1:${trackerPort}`, "--output", torrent, "--home", seed];
    const created = await peer(["create", original, ...announce], options);
    assert.equal(created.code, 0);
    assert.match(
      created.stderr,
      /^peer: .*: warning: the announce address is good on this machine only, [^\n]*\n$/,
    );

    const announcer = startPeer(
      "announcer",
      ["--home", seed, "--tracker-port", trackerPort, torrent],
      options,
    );
    let isStoppedCleanly = false;
    try {
      await Promise.race([announcer.joined, announcer.ended]);
      const args = ["--home", leech, "--no-tracker", "--exit-when-complete", "age.torrent"];
      const downloader = startPeer("downloader", args, options);
      await assert.rejects(downloader.ended, /exit status 0/);
      assert.deepEqual([announcer.role, downloader.firstRole, downloader.role], [
        "announcer",
        "peer",
        "seeder",
      ]);
      assert.deepEqual(await Deno.readFile(join(leech, "shareable/age.txt")), await Deno.readFile(EXAMPLE));
    } finally {
      isStoppedCleanly = await announcer.stop();
    }
    assert(isStoppedCleanly);
    for (const path of [emptyHome, readOnly]) assert.deepEqual([...Deno.readDirSync(path)], []);
  },
);
