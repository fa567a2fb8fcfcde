import { runCli } from "./lib/ui/cli.ts";

Deno.exit(await runCli(Deno.args));
