import assert from "node:assert/strict";
import { buildProgram } from "../../lib/ui/program.ts";
import { EXIT } from "../../lib/ui/failure.ts";

const page = await Deno.readTextFile(new URL("../../lib/ui/README.md", import.meta.url));

Deno.test("buildProgram has no command and no option that the contract does not name", () => {
  const program = buildProgram(() => {});
  const names = program.commands.flatMap((command) => [
    `peer ${command.name()}`,
    ...command.options.map(({ long }) => long),
  ]);
  const isNamed = (name: string) =>
    name === "peer start"
      ? page.includes("peer [start]")
      : new RegExp(`(^|[\`\\[ ])${name}\\b`, "m").test(page);
  assert.ok(names.length > 30);
  assert.deepEqual(names.filter((name) => !isNamed(name!)), []);
});

Deno.test("the contract lists every exit code", () => {
  for (const code of Object.values(EXIT)) assert.match(page, new RegExp(`^\\| ${code} +\\|`, "m"));
});
