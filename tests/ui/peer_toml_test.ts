import assert from "node:assert/strict";
import { join } from "node:path";
import { Failure } from "../../lib/ui/failure.ts";
import { readPeerToml } from "../../lib/ui/peer_toml.ts";
import { buildProgram } from "../../lib/ui/program.ts";
import { runCommand } from "../harness/processes/cli_run.ts";

const startCommand = buildProgram(() => {}).commands.find((command) => command.name() === "start")!;

/** Reads a `peer.toml` of this text, in a home of its own. */
async function read(text: string | Uint8Array<ArrayBuffer>): Promise<Record<string, unknown>> {
  const home = await Deno.makeTempDir();
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  try {
    await Deno.writeFile(join(home, "peer.toml"), bytes);
    const values = await readPeerToml(home, startCommand);
    return JSON.parse(JSON.stringify(values).replaceAll(JSON.stringify(home).slice(1, -1), "HOME"));
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** The failure of such a file, without the path of its folder. */
async function failure(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
  try {
    await read(text);
  } catch (error) {
    assert.ok(error instanceof Failure && error.exitCode === 2);
    return `${error.what.replace(/^.*peer\.toml/, "peer.toml")}: ${error.message}`;
  }
  return "none";
}

Deno.test("readPeerToml gives the values that the command line would give", async () => {
  const values = await read(`
    # A comment.
    host = "10.0.0.5"
    port = 7000
    tracker-port = "7001"
    no-lsd = true
    tracker = false
    open-tracker = true
    peer = ["10.0.0.7", "10.0.0.8:7000"]
    trusted-proxy = "10.0.0.9"
    ip-filter = "lists/bad.dat"
    sequential = true
    max-upload = "1.5MiB"
    max-download = 500_000
    alt-schedule = "mon-fri 22:00-06:00"
    rechoke = 0.5
    seed-for = 60
    progress = "json"
  `);
  assert.deepEqual(values, {
    host: "10.0.0.5",
    port: 7000,
    trackerPort: 7001,
    lsd: false,
    tracker: false,
    openTracker: true,
    peer: ["10.0.0.7:6881", "10.0.0.8:7000"],
    trustedProxy: ["10.0.0.9"],
    ipFilter: join("HOME", "lists", "bad.dat"),
    sequential: true,
    maxUpload: 1_572_864,
    maxDownload: 500_000,
    altSchedule: { fromMinute: 1320, toMinute: 360, days: 62 },
    rechoke: 500,
    seedFor: 60_000,
    progress: "json",
  });
  assert.deepEqual(await read(""), {});
});

Deno.test("readPeerToml takes every option of start by its long name", async () => {
  for (const { long, required } of startCommand.options) {
    const text = await failure(`${long!.slice(2)} = ${required ? "[[]]" : "3"}`);
    assert.match(
      text,
      required ? /Expected a text or a number, got a list/ : /Expected true or false, got 3/,
    );
  }
});

Deno.test("readPeerToml says what is wrong, where, and what was expected", async () => {
  const cases: [text: string, why: RegExp][] = [
    ["max-uplod = 5", /^peer\.toml: max-uplod: .*; did you mean max-upload\?$/],
    ["maxUpload = 5", /^peer\.toml: maxUpload: .*; did you mean max-upload\?$/],
    ["frobnicate = 5", /^peer\.toml: frobnicate: Expected the long name of an option of start$/],
    ["home = '.'", /^peer\.toml: home: Expected the long name of an option of start/],
    ["[start]\nport = 5", /^peer\.toml: start: Expected the long name/],
    ["__proto__ = 5", /^peer\.toml: __proto__: Expected the long name/],
    ["port = 'x'", /^peer\.toml: port: Expected a whole number from 0 to 65535, got "x"$/],
    ["port = 65536", /^peer\.toml: port: Expected a whole number from 0 to 65535, got "65536"$/],
    ["port = true", /^peer\.toml: port: Expected a text or a number, got true$/],
    ["port = [1]", /^peer\.toml: port: Expected a text or a number, got a list$/],
    ["port = {a = 1}", /^peer\.toml: port: Expected a text or a number, got a table$/],
    ["port = 2026-11-28", /^peer\.toml: port: Expected a text or a number, got a date$/],
    ["port = nan", /^peer\.toml: port: Expected a whole number/],
    ["no-tracker = 'yes'", /^peer\.toml: no-tracker: Expected true or false, got "yes"$/],
    ["tracker = true\nno-tracker = true", /^peer\.toml: no-tracker: Expected the same as tracker says/],
    ["peer = [1, [2]]", /^peer\.toml: peer: Expected HOST:PORT|^peer\.toml: peer: Expected a text/],
    ["progress = 'jsno'", /^peer\.toml: progress: Expected one of .*; did you mean json\?$/],
    ["port = ", /^peer\.toml: Expected TOML: invalid value in line 1, column/],
    ["port = 1\nport = 2", /^peer\.toml: Expected TOML: .* in line 2, column/],
  ];
  for (const [text, why] of cases) assert.match(await failure(text), why);
  assert.match(await failure(Uint8Array.of(0xff)), /^peer\.toml: Expected UTF-8/);
  assert.match(await failure(new Uint8Array(1024 * 1024 + 1)), /^peer\.toml: Expected at most 1048576 bytes/);
});

Deno.test("start takes options from peer.toml unless the command line says otherwise", async () => {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(join(home, "torrents"));
  await Deno.writeTextFile(
    join(home, "peer.toml"),
    "exit-when-complete = true\nprogress = 'plain'\nport = 0\n",
  );
  const quiet = ["--home", home, "--host", "127.0.0.1", "--no-tracker", "--no-lsd"];
  const plain = await runCommand(...quiet);
  assert.deepEqual([plain.exitCode, plain.err.length], [3, 1], plain.err.join());
  assert.match(plain.out[0], /listening on port/);
  const json = await runCommand(...quiet, "--progress", "json");
  assert.equal(JSON.parse(json.out[0]).event, "ready");
  await Deno.writeTextFile(join(home, "peer.toml"), "prot = 1\n");
  const wrong = await runCommand(...quiet);
  assert.deepEqual([wrong.exitCode, wrong.out], [2, []]);
  assert.match(wrong.err.join(), /^peer: .*peer\.toml: prot: .*; did you mean port\?$/);
  await Deno.remove(home, { recursive: true });
});
