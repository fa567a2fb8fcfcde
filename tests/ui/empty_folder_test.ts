/** What a person sees who starts the program in an empty folder, on a terminal that the tool `script` makes. */
import assert from "node:assert/strict";
import { TestHome } from "../disk/test_home.ts";
import { Program } from "../harness/processes/program.ts";
import { needs } from "../harness/processes/require_tool.ts";

needs("script", "signals to processes")(
  "peer in an empty folder says how a file is shared, and how one is got",
  async () => {
    using home = new TestHome();
    const words = new Program().commandLine(["--home", home.path, "--port", "0", "--no-tracker", "--no-web"]);
    // In place of the shell, which Ctrl-C would end too.
    const line = `exec ${words.map((word) => `'${word}'`).join(" ")}`;
    const args = ["--quiet", "--return", "--command", line, "/dev/null"];
    const child = new Deno.Command("script", { args, stdin: "piped", stdout: "piped" }).spawn();
    const input = child.stdin.getWriter();
    let shown = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const wasTold = shown.includes("peer share FILE ");
      shown += text;
      // Ctrl-C, as a person types it.
      if (!wasTold && shown.includes("peer share FILE ")) await input.write(Uint8Array.of(3));
    }
    await input.close().catch(() => {});
    assert.match(
      shown,
      /nothing is shared here yet; [^]*peer share FILE [^]*peer get +shows what is near by[^]*stopped/,
    );
    assert.equal((await child.status).code, 0);
  },
);
