import { runCli } from "../../../lib/ui/cli.ts";

/** What a command gave back. */
interface CliResult {
  readonly exitCode: number;
  /** Lines on standard output and standard error. */
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs a command in this process, with what it prints kept. Help and version go past this. */
export async function runCommand(...args: string[]): Promise<CliResult> {
  const { log, error } = console;
  const out: string[] = [];
  const err: string[] = [];
  console.log = (line) => out.push(...String(line).split("\n"));
  console.error = (line) => err.push(line);
  try {
    return { exitCode: await runCli(args), out, err };
  } finally {
    Object.assign(console, { log, error });
  }
}
