import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../helpers/cli_run.ts";

const WRONG_USAGE: [args: string[], what: RegExp][] = [
  [["--frobnicate"], /unknown option '--frobnicate'/i],
  [["start", "--prot", "1"], /unknown option '--prot' .*--port/i],
  [["frobnicate"], /frobnicate: Expected a command or a torrent, got neither/],
  [["--port"], /--port/],
  [["--port", "65536"], /--port: Expected .*, got "65536"/],
  [["--port", "-1"], /--port/],
  [["--port=x"], /--port: /],
  [["--tracker-port", "6969.5"], /--tracker-port: /],
  [["--host", "somewhere"], /--host: Expected an IP address, got "somewhere"/],
  [["--peer", "10.0.0.5"], /--peer: Expected HOST:PORT/],
  [["--upload-slots", "0"], /--upload-slots: /],
  [["--download-sources", "many"], /--download-sources: /],
  [["--rechoke", "0"], /--rechoke: /],
  [["--max-upload", "fast"], /--max-upload: /],
  [["--max-download", "0"], /--max-download: /],
  [["--ip-filter", ""], /--ip-filter: Expected a text/],
  [["--encryption", "always"], /--encryption: Expected one of prefer, require, off, got "always"/],
  [["--seed-for", "-3", "--exit-when-complete"], /--seed-for: /],
  [["--only", ""], /--only: Expected a text/],
  [["--skip"], /--skip/],
  [["--first"], /--first/],
  [["--seed-for", "3"], /--seed-for: Expected --exit-when-complete/],
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

Deno.test("runCli shows help and version and succeeds", async () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  for (
    const [args, expected] of [[["--help"], /--rechoke <SECONDS>/], [["--version"], /^peer \d/], [
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
