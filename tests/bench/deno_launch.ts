import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import type { Launch } from "../harness/processes/running_process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DENO_DIR = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;

/** What the engine is told when users run our program. */
const ENGINE_FLAGS = denoConfig.tasks.peer.split(" ").filter((flag) => flag.startsWith("--v8-flags="));

/** How to run a script of this tree, named from its root, in a Deno of its own, with more flags for that. */
export function denoLaunch(
  script: string,
  args: readonly string[],
  cwd: string,
  flags: readonly string[] = [],
): Launch {
  const configuration = [`--config=${ROOT}deno.json`, `--lock=${ROOT}deno.lock`, "--frozen"];
  const deno = ["run", "--quiet", "--allow-all", ...configuration, ...flags];
  return {
    command: Deno.execPath(),
    args: [...deno, `${ROOT}${script}`, ...args],
    // HOME is another one for the child, but what Deno has downloaded and compiled is to be found again.
    env: { DENO_DIR },
    cwd,
  };
}

/** How to run our own program from the sources, with all permissions: without them Deno refuses files in memory. */
export function peerLaunch(args: readonly string[], cwd: string): Launch {
  return denoLaunch("main.ts", args, cwd, ENGINE_FLAGS);
}

/** How to run our own program with these arguments. */
export type PeerLaunch = (args: readonly string[], cwd: string) => Launch;

/** The ways our program is run, by name: from the sources and, where `PEER_BINARY` names one, compiled. */
export function peerLaunches(): ReadonlyMap<string, PeerLaunch> {
  const launches = new Map<string, PeerLaunch>([["from the sources", peerLaunch]]);
  const binary = Deno.env.get("PEER_BINARY");
  if (binary !== undefined) {
    const command = Deno.realPathSync(binary);
    launches.set("compiled", (args, cwd) => ({ command, args, cwd }));
  }
  return launches;
}

/** One line of `--progress json`. */
export interface PeerEvent {
  readonly event?: string;
  readonly [field: string]: unknown;
}

/** Reads a line of `--progress json`; any other line is an event without a name. */
export function readEvent(line: string): PeerEvent {
  return line.startsWith("{") ? JSON.parse(line) : {};
}
