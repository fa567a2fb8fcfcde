import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../harness/processes/cli_run.ts";

const WRONG_USAGE: [args: string[], what: RegExp][] = [
  [["--frobnicate"], /unknown option '--frobnicate'/i],
  [["start", "--prot", "1"], /unknown option '--prot' .*--port/i],
  [["frobnicate"], /frobnicate: Expected a command or a torrent, got neither/],
  [["--port"], /--port/],
  [["--port", "65536"], /--port: Expected .*, got "65536"/],
  [["--port", "-1"], /--port/],
  [["--port=x"], /--port: /],
  [["--tracker-port", "6969.5"], /--tracker-port: /],
  [
    ["--host", "somewhere"],
    /--host: Expected an IP address, got "somewhere"; this machine has .*127\.0\.0\.1/,
  ],
  [["--peer", "10.0.0.5:"], /--peer: Expected HOST:PORT/],
  [["--upload-slots", "0"], /--upload-slots: /],
  [["--download-sources", "many"], /--download-sources: /],
  [["--rechoke", "0"], /--rechoke: /],
  [["--max-upload", "fast"], /--max-upload: /],
  [["--max-download", "0"], /--max-download: /],
  [["--seed-ratio", "0"], /--seed-ratio: Expected a number above 0/],
  [["--seed-time", "0"], /--seed-time: /],
  [["--max-active", "0"], /--max-active: /],
  [["--ip-filter", ""], /--ip-filter: Expected a text/],
  [["--encryption", "always"], /--encryption: Expected one of prefer, require, off, got "always"/],
  [["--seed-for", "-3", "--exit-when-complete"], /--seed-for: /],
  [["--only", ""], /--only: Expected a text/],
  [["--skip"], /--skip/],
  [["--first"], /--first/],
  [["--seed-for", "3"], /--seed-for: Expected --exit-when-complete/],
  [["--hand-out", "--no-tracker"], /--hand-out: Expected the tracker/],
  [["strat", "x"], /^peer: strat: .*; did you mean start\?$/],
  [["craete", "film.mp4"], /; did you mean create\?$/],
  [["--progress", "jsno"], /got "jsno"; did you mean json\?$/],
  [["--exit-when-complet"], /did you mean --exit-when-complete/i],
  [["create", "a", "--anounce", "b"], /did you mean --announce/i],
  [["--progress", "loud"], /--progress: Expected one of .*, got "loud"/],
  [["--log-level", "all"], /--log-level: /],
  [["--home", ""], /--home: /],
  [["create"], /missing required argument/i],
  [["create", "a", "b"], /too many arguments/i],
  [["create", "a", "--piece-length", "17KiB"], /--piece-length: /],
  [["create", "a", "--announce", "a b"], /--announce: /],
  [["create", "a", "--web-seed", "file:///a"], /--web-seed: /],
  [["create", "a", "--port", "1"], /unknown option/i],
  [["edit", "a.torrent"], /--announce/],
  [["edit", "a.torrent", "--announce", "ftp://a/"], /--announce: /],
  [["info"], /missing required argument/i],
  [["info", "a.torrent", "b.torrent"], /too many arguments/i],
  [["check", "a.torrent", "--port", "1"], /unknown option/i],
  [["info", "--x\ny"], /unknown option/i],
];

Deno.test("runCli refuses wrong usage with exit code 2 and one line", async () => {
  for (const [args, why] of WRONG_USAGE) {
    const { exitCode, out, err } = await runCommand(...args);
    assert.equal(exitCode, 2, args.join(" "));
    assert.equal(err.length, 1, args.join(" "));
    assert.match(err[0], /^peer: [^\n]+: [^\n]+$/);
    assert.match(err[0], why);
    assert.deepEqual(out, []);
  }
});

Deno.test("runCli refuses torrents it cannot read with exit code 3, one line, and no folders made", async () => {
  const home = await Deno.makeTempDir();
  await Deno.writeTextFile(join(home, "bad.torrent"), "d4:spam4:eggse");
  const bad = join(home, "bad.torrent");
  const cases = [
    [bad],
    ["start", "nothing"],
    ["missing.torrent"],
    ["--home", home, "./create"],
    [home],
    ["magnet:?xt=urn:btih:01234567"],
    ["--ip-filter", join(home, "no-such-list")],
    ["--ip-filter", home],
    ["info", bad],
    ["info", "magnet:?xt=urn:btih:01234567"],
    ["check", bad],
    ["edit", bad, "--announce", "10.0.0.5"],
  ];
  for (const args of cases) {
    const { exitCode, out, err } = await runCommand(...args, "--home", home);
    assert.equal(exitCode, 3, args.join(" "));
    assert.equal(err.length, 1);
    assert.match(err[0], /^peer: [^\n]+: Expected [^\n]+, got [^\n]+$/);
    assert.deepEqual(out, []);
  }
  assert.deepEqual([...Deno.readDirSync(home)].map(({ name }) => name), ["bad.torrent"]);
  await Deno.remove(home, { recursive: true });
});

Deno.test("runCli says what to do about an argument that is no torrent", async () => {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(join(home, "torrents"));
  await Deno.mkdir(join(home, "photos"));
  await Deno.writeTextFile(join(home, "torrents/age.torrent"), "d4:spam4:eggse");
  await Deno.writeTextFile(join(home, "torrents/page.torrent"), "\n<!DOCTYPE html><html>");
  await Deno.writeTextFile(join(home, "torrents/empty.torrent"), "");
  await Deno.writeTextFile(join(home, "torrents/link.torrent"), "magnet:?xt=urn:btih:x");
  await Deno.writeTextFile(join(home, "film.mp4"), "moving pictures");
  const film = join(home, "film.mp4");
  const photos = join(home, "photos");
  const share = (path: string, name: string) =>
    `; this is not a torrent: to share it, peer create ${path}, then peer ${name}.torrent`;
  for (
    const [argument, why] of [
      ["age.torent", "; did you mean age.torrent?"],
      ["./age.torrent", "; did you mean age.torrent?"],
      [film, share(film, "film.mp4")],
      [photos, share(photos, "photos")],
      ["page.torrent", "got a web page"],
      ["empty.torrent", "got an empty file"],
      ["link.torrent", "got a magnet link in a file"],
    ]
  ) {
    for (const command of ["start", "info"]) {
      const { exitCode, err } = await runCommand(command, argument, "--home", home);
      assert.deepEqual([exitCode, err.length], [3, 1], err.join());
      assert.ok(err[0].includes(why), err[0]);
    }
  }
  const { exitCode, err } = await runCommand("age", "--home", home);
  assert.deepEqual([exitCode, err], [
    2,
    ["peer: age: Expected a command or a torrent, got neither; did you mean age.torrent?"],
  ]);
  await Deno.remove(home, { recursive: true });
});

Deno.test("runCli shows a help that fits on one screen, and all options of a command behind it", async () => {
  const help = await runCommand("--help");
  assert.equal(help.exitCode, 0);
  const lines = help.out.join("\n").split("\n");
  // The command itself and the prompt after it need a line each.
  assert.ok(lines.length <= 22, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length < 80, line);
  assert.equal(lines.filter((line) => /^ {2}peer( |$)/.test(line)).length, 4);
  for (const args of [["help", "start"], ["start", "--help"]]) {
    const { exitCode, out } = await runCommand(...args);
    assert.equal(exitCode, 0);
    assert.match(out.join("\n"), /--rechoke <SECONDS>[\s\S]*--home <DIR>/);
  }
});

Deno.test("runCli shows help and version and succeeds", async () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  for (
    const [args, expected] of [[["--help"], /Examples:/], [["--version"], /^peer \d/], [
      ["create", "--help"],
      /--piece-length <SIZE>/,
    ]] as const
  ) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", main, ...args],
      env: { NO_COLOR: "1" },
    }).output();
    assert.equal(code, 0);
    assert.match(new TextDecoder().decode(stdout), expected);
    assert.equal(new TextDecoder().decode(stderr), "");
  }
});
