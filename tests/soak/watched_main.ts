/** The program, which tells on SIGUSR2, as an event "heap", how many bytes its objects need. */
import { runCli } from "../../lib/ui/cli.ts";
import { heapBytes } from "../harness/data/heap.ts";

Deno.addSignalListener("SIGUSR2", () => console.log(JSON.stringify({ event: "heap", bytes: heapBytes() })));
Deno.exit(await runCli(Deno.args));
