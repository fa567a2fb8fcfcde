import assert from "node:assert/strict";
import { join } from "node:path";
import { buildProgram } from "../../lib/ui/program.ts";
import { commandShapes } from "../../lib/ui/completion/command_shapes.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { needs } from "../harness/processes/require_tool.ts";

const commands = commandShapes(buildProgram(() => {}));

/** What a program prints when it is given a text. */
async function outputOf(command: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd();
}

async function scriptFor(shell: string): Promise<string> {
  const { exitCode, out } = await runCommand("completion", shell);
  assert.equal(exitCode, 0);
  return `${out.join("\n")}\n`;
}

needs("bash")("bash completes commands, options, words and files", async () => {
  const script = await scriptFor("bash");
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(join(folder, "my film.torrent"), "");
  const complete = async (...words: string[]) => {
    const list = words.map((word) => `'${word}'`).join(" ");
    const run = `cd '${folder}'; peer() { echo "lecture one.mp4"; }; COMP_WORDS=(peer ${list}); ` +
      `COMP_CWORD=${words.length}; __peer; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await outputOf("bash", ["--norc", "-s"], `${script}\n${run}\n`)).split("\n");
  };
  assert.deepEqual(await complete("pau"), ["pause"]);
  assert.deepEqual(await complete("--encr"), ["--encryption"]);
  assert.deepEqual(await complete("start", "--encryption", ""), ["prefer", "require", "off"]);
  assert.deepEqual(await complete("--home", "x", "limit", "--pex", "y"), ["yes"]);
  assert.deepEqual(await complete("info", "my"), ["my film.torrent"]);
  assert.deepEqual(await complete("pause", "lec"), ["lecture\\ one.mp4"]);
  assert.deepEqual(await complete("help", "sel"), ["select"]);
  assert.deepEqual(await complete("remove", "--del"), ["--delete-data"]);
  // A text that nobody can guess.
  assert.deepEqual(await complete("create", "--comment", ""), [""]);
  await Deno.remove(folder, { recursive: true });
});

needs("fish")("fish completes commands, options, words and torrents", async () => {
  const script = await scriptFor("fish");
  const complete = async (line: string) => {
    const run = `function peer; echo lecture.mp4; end\ncomplete -C ${JSON.stringify(line)}\n`;
    const lines = (await outputOf("fish", ["--no-config"], script + run)).split("\n");
    return lines.map((each) => each.split("\t")[0]);
  };
  assert.deepEqual(await complete("peer pau"), ["pause"]);
  assert.deepEqual(await complete("peer --encr"), ["--encryption"]);
  assert.deepEqual(await complete("peer start --encryption p"), ["prefer"]);
  assert.deepEqual(await complete("peer pause lec"), ["lecture.mp4"]);
  assert.deepEqual(await complete("peer remove --del"), ["--delete-data"]);
});

needs("zsh")("zsh reads its script", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, await scriptFor("zsh"));
  assert.equal(await outputOf("zsh", ["-f", "-n", path]), "");
  await Deno.remove(path);
});

Deno.test("each script and the manual page name every command and every option", async () => {
  const texts: string[] = [];
  for (const shell of ["bash", "zsh", "fish", "powershell"]) texts.push(await scriptFor(shell));
  const page = (await runCommand("man")).out.join("\n").replaceAll("\\-", "-");
  for (const { name, options } of commands) {
    for (const text of [...texts, page]) assert.match(text, new RegExp(`\\b${name}\\b`));
    for (const { long } of options) {
      for (const text of [...texts, page]) {
        assert.ok(text.includes(long) || text.includes(`-l ${long.slice(2)}`), long);
      }
    }
  }
});

needs("groff")("man and groff find no fault with the manual page", async () => {
  const { out } = await runCommand("man");
  const shown = await outputOf("groff", ["-man", "-ww", "-Tascii", "-P-cbou"], `${out.join("\n")}\n`);
  assert.match(shown, /peer start \[options\] \[TORRENT\.\.\.\]/);
  assert.match(shown, /--max-upload <RATE>\n +Bytes per second/);
});

Deno.test("completion of torrents is silent where no peer runs", async () => {
  const home = await Deno.makeTempDir();
  assert.deepEqual(await runCommand("completion", "torrents", "--home", home), {
    exitCode: 0,
    out: [],
    err: [],
  });
  await Deno.remove(home);
});
