/**
 * Whatever is wrong with what the program is given: the right exit code, one line that says so, nothing on standard
 * output, and the home folder as it was. Wrong options are in `cli_test.ts`.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";
import { BROKEN_TORRENTS, ESCAPING_TORRENTS, torrent } from "../harness/data/broken_torrents.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { listFolder } from "../harness/data/folder_listing.ts";

const isWindows = Deno.build.os === "windows";

const MIB = 1024 * 1024;
const ONE_LINE = /^peer: [^\n]+: [^\n]+$/;

/** Values that each option refuses. */
const BAD_VALUES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  start: {
    "--home": ["", " "],
    "--host": ["", "localhost", "1.2.3", "300.1.1.1", "::g", "10.0.0.5:80"],
    "--port": ["", " 1", "1e3", "0x10", "-1", "65536", "99999999999999999999", "6881-6889", "1.0", "١"],
    "--trusted-proxy": ["", "proxy", "10.0.0.0/8", "10.0.0.5:80"],
    "--tracker-port": ["", "http", "65536", "6969/udp"],
    "--peer": ["", ":1", "a:", "a:0", "a:65536", "::1:6881", "::1", "[a]", "[a]:1", "http://a:1", "a b:1"],
    "--upload-slots": ["", "0", "-1", "1.5", "1001", "four"],
    "--download-sources": ["", "0", "-1", "1.5", "1001", "Infinity"],
    "--rechoke": ["", "0", "-1", "1e9", "NaN", "30s", "99999999"],
    "--max-upload": ["", "0", "-1", "0.1", "1e9", "5T", "M", "10 M", "5MB/s", "9999999999999999G"],
    "--max-download": ["", "0", "500iB", "1K2"],
    "--seed-for": ["", "-1", "1h", "99999999"],
    "--progress": ["", "JSON", "bar", "json,plain"],
    "--log-level": ["", "WARN", "trace", "5"],
  },
  create: {
    "--announce": ["", " ", "a b", "ftp://a/", "http://", "a:99999", "file:///etc/passwd"],
    "--piece-length": ["", "0", "1", "8KiB", "16KB", "17KiB", "128MiB", "-16KiB", "16 KiB", "auto"],
    "--web-seed": ["", "a", "file:///a", "ftp://a/", "javascript:alert(1)"],
    "--output": ["", " "],
    "--home": [""],
  },
  edit: { "--announce": ["", "ftp://a/"] },
};

/** Command lines that are wrong whatever is in the home folder. */
const BAD_COMMAND_LINES: readonly (readonly string[])[] = [
  ["frobnicate", "good.torrent"],
  ["start", "good.torrent", "--frobnicate"],
  ["start", "--no-tracker=yes"],
  ["start", "--exit-when-complete=1"],
  ["start", "good.torrent", "--seed-for", "5"],
  ["start", "-p", "1"],
  ["--version=1"],
  ["create", "--json"],
  ["create", "a", "--json=1"],
  ["edit", "--announce", "10.0.0.5"],
  ["info", "--announce", "10.0.0.5", "good.torrent"],
  ["check", "good.torrent", "good.torrent"],
  ["check"],
];

/** A home with data, a torrent and a resume state of its own, which must all stay as they are. */
async function makeHome() {
  const home = await Deno.makeTempDir();
  for (const folder of ["torrents", "shareable/photos", "state/tmp"]) {
    await Deno.mkdir(join(home, folder), { recursive: true });
  }
  await Deno.writeFile(join(home, "shareable/age.txt"), new Uint8Array(50_000));
  await Deno.writeTextFile(join(home, "shareable/photos/own.txt"), "own");
  await Deno.writeFile(join(home, "torrents/good.torrent"), torrent());
  return {
    home,
    bad: join(home, "torrents/bad.torrent"),
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

/** Runs a command that must fail and change nothing in `home`. */
async function assertRefused(home: string, exitCode: number, why: RegExp, ...args: string[]): Promise<void> {
  const before = await listFolder(home);
  const result = await runCommand(...args, "--home", home);
  const told = `${args.join(" ")}: ${result.err.join("\n")}`.slice(0, 1_000);
  assert.equal(result.exitCode, exitCode, told);
  assert.equal(result.err.length, 1, told);
  assert.match(result.err[0], ONE_LINE);
  assert.match(result.err[0], why);
  assert.deepEqual(result.out, []);
  assert.deepEqual(await listFolder(home), before, told);
}

/** Every command that reads a torrent refuses this one. */
async function assertAllRefuse(home: string, path: string, why: RegExp): Promise<void> {
  const commands = [
    ["info", path],
    ["info", path, "--json"],
    ["check", path],
    ["edit", path, "--announce", "10.0.0.5"],
    ["start", path, "--port", "0"],
    ["start", "good.torrent", path, "--port", "0"],
  ];
  for (const args of commands) await assertRefused(home, 3, why, ...args);
}

Deno.test("runCli refuses every bad value of every option", async () => {
  await using made = await makeHome();
  const { home } = made;
  for (const [command, options] of Object.entries(BAD_VALUES)) {
    for (const [option, values] of Object.entries(options)) {
      for (const value of values) {
        await assertRefused(home, 2, new RegExp(`^peer: ${option}: Expected `), command, "x", option, value);
        await assertRefused(home, 2, /Expected /, command, "x", `${option}=${value}`);
      }
      const { exitCode, out, err } = await runCommand(command, "x", option);
      assert.deepEqual([exitCode, out, err.length], [2, [], 1], option);
    }
  }
});

Deno.test("runCli refuses wrong command lines", async () => {
  await using made = await makeHome();
  for (const args of BAD_COMMAND_LINES) await assertRefused(made.home, 2, /^peer: /, ...args);
});

Deno.test("runCli refuses what is no proper torrent, whatever is wrong with it", async () => {
  await using made = await makeHome();
  for (const [position, { what, bytes, why }] of BROKEN_TORRENTS.entries()) {
    await Deno.writeFile(made.bad, bytes);
    // All commands read torrents in one way, so it takes only some of the torrents to see that each does.
    const refused = position % 5 === 0
      ? assertAllRefuse(made.home, made.bad, why)
      : assertRefused(made.home, 3, why, "info", made.bad);
    await refused.catch(
      (error) => {
        throw new Error(what, { cause: error });
      },
    );
  }
});

Deno.test("runCli refuses torrents whose names leave their folder", async () => {
  await using made = await makeHome();
  for (const [position, { bytes, why }] of ESCAPING_TORRENTS.entries()) {
    await Deno.writeFile(made.bad, bytes);
    if (position % 10 === 0) await assertAllRefuse(made.home, made.bad, why);
    else await assertRefused(made.home, 3, why, "info", made.bad);
  }
});

Deno.test("runCli refuses a torrent that was cut off, wherever", async () => {
  await using made = await makeHome();
  const whole = torrent();
  for (let length = 0; length < whole.length; length++) {
    await Deno.writeFile(made.bad, whole.subarray(0, length));
    const { exitCode, out, err } = await runCommand("info", made.bad);
    assert.deepEqual([exitCode, out, err.length], [3, [], 1], `${length} bytes`);
    assert.match(err[0], ONE_LINE);
  }
});

Deno.test("runCli refuses large garbage without reading, or at its first wrong byte", async () => {
  await using made = await makeHome();
  const { home, bad } = made;
  await Deno.writeFile(bad, new Uint8Array());
  await Deno.truncate(bad, 100 * MIB);
  await assertAllRefuse(home, bad, /Expected at most 67108864 bytes, got 104857600/);
  await Deno.truncate(bad, METAINFO_LIMITS.fileBytes);
  await assertRefused(home, 3, /Malformed bencoding at byte 0: /, "info", bad);
  await Deno.writeFile(bad, new Uint8Array(8 * MIB).fill("l".charCodeAt(0)));
  await assertRefused(home, 3, /nested deeper than 100/, "info", bad);
  await Deno.writeFile(bad, toUtf8(`l${"i1e".repeat(METAINFO_LIMITS.bencode.values)}e`));
  await assertRefused(home, 3, /more than 3000000 values/, "info", bad);
});

Deno.test("runCli refuses what is no file where a torrent is due", async () => {
  await using made = await makeHome();
  const { home } = made;
  await assertAllRefuse(home, join(home, "nothing.torrent"), /Expected a torrent file, got nothing/);
  await assertAllRefuse(home, "nothing.torrent", /Expected a torrent file, got nothing/);
  await assertAllRefuse(home, join(home, "shareable"), /Expected a torrent file, got something else/);
  // Windows finds nothing there, and does not say why.
  const whyNot = isWindows ? /got nothing at this path/ : /Cannot read it: a part of the path/;
  await assertAllRefuse(home, join(home, "torrents/good.torrent/x"), whyNot);
  const whyLong = isWindows ? /got nothing at this path|Cannot read it/ : /Cannot read it: name too long/;
  await assertAllRefuse(home, "x".repeat(300), whyLong);
  for (
    const magnet of [
      "magnet:",
      "magnet:?",
      "magnet:?xt=urn:btih:zzz",
      "MAGNET:?dn=a",
      "magnet:?xt=urn:sha1:A",
    ]
  ) {
    await assertAllRefuse(home, magnet, /: Expected /);
  }
  if (isWindows) return;
  await Deno.symlink("loop.torrent", join(home, "torrents/loop.torrent"));
  await assertAllRefuse(home, "loop.torrent", /Cannot read it: it is a symbolic link/);
  await Deno.symlink("nowhere", join(home, "torrents/dangling.torrent"));
  await assertAllRefuse(home, "dangling.torrent", /Expected a torrent file, got nothing/);
  if (Deno.uid() === 0) return;
  await Deno.chmod(join(home, "torrents/good.torrent"), 0);
  await assertAllRefuse(home, "good.torrent", /Cannot read it: permission denied/);
});

Deno.test("create refuses what it cannot make a torrent of", async () => {
  await using made = await makeHome();
  const { home } = made;
  const data = join(home, "shareable/age.txt");
  await Deno.mkdir(join(home, "shareable/empty/deep"), { recursive: true });
  const cases: [RegExp, string[]][] = [
    [/nothing: no such file or folder/, [join(home, "nothing")]],
    [/Expected a file in .*, got none/, [join(home, "shareable/empty")]],
    [isWindows ? /x: no such file/ : /age.txt\/x: a part of the path is not a folder/, [join(data, "x")]],
    [isWindows ? /Cannot write/ : /Cannot write .*: something else is there/, [
      data,
      "--output",
      join(data, "age.torrent"),
    ]],
    [/Expected no file or a torrent at/, [data, "--output", join(home, "shareable/photos/own.txt")]],
  ];
  if (!isWindows) {
    await Deno.symlink(data, join(home, "link"));
    cases.push([/Expected a file or folder at .*, got something else/, [join(home, "link")]]);
    await Deno.writeTextFile(join(home, "shareable/photos/con.txt"), "");
    cases.push([/Expected names that every system can take/, [join(home, "shareable/photos")]]);
  }
  for (const [why, args] of cases) {
    await assertRefused(home, 1, why, "create", ...args, "--announce", "10.0.0.5");
  }
  if (isWindows || Deno.uid() === 0) return;
  await Deno.chmod(data, 0);
  await assertRefused(home, 1, /permission denied/, "create", data);
});

Deno.test("runCli says what is wrong with a home that is a file, or has files for folders", async () => {
  await using made = await makeHome();
  const { home } = made;
  const file = join(home, "shareable/age.txt");
  const before = await listFolder(home);
  for (const args of [["start", "--port", "0"], ["create", file], ["start", "good.torrent", "--port", "0"]]) {
    const { exitCode, out, err } = await runCommand(...args, "--home", file);
    assert.deepEqual([exitCode, out, err.length], [args.length === 4 ? 3 : 1, [], 1]);
    assert.match(err[0], /^peer: .*: .*(Cannot|Expected) /);
  }
  assert.deepEqual(await listFolder(home), before);

  for (const folder of ["torrents", "shareable", "state"]) {
    const other = join(home, `other-${folder}`);
    await Deno.mkdir(other);
    await Deno.writeTextFile(join(other, folder), "a file");
    const { exitCode, out, err } = await runCommand("start", "--port", "0", "--home", other);
    assert.deepEqual([exitCode, out, err.length], [1, [], 1]);
    assert.match(err[0], /^peer: start: Cannot make the folder .*: something else is there$/);
    assert.equal(await Deno.readTextFile(join(other, folder)), "a file");
  }
});
