import { fileURLToPath } from "node:url";
import denoConfig from "../../../deno.json" with { type: "json" };

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));

/** Our own program as users start it: `command`, a compiled one, or else this checkout as `deno task peer` runs it. */
export class Program {
  readonly #command: readonly string[];

  /** `main`: the path of another file that begins this program. */
  constructor(command?: string, main = "main.ts") {
    const [_deno, ...args] = denoConfig.tasks.peer.split(" ");
    this.#command = command === undefined
      ? [Deno.execPath(), ...args.slice(0, -1), main]
      : [Deno.realPathSync(command)];
  }

  /** The command line that starts it with these arguments. */
  commandLine(args: readonly string[]): [command: string, ...args: string[]] {
    const [path, ...first] = this.#command;
    return [path, ...first, ...args];
  }

  /** A process of it that is still to be started, without input. */
  with(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
    const [path, ...all] = this.commandLine(args);
    return new Deno.Command(path, { cwd: PROJECT, stdin: "null", ...options, args: all });
  }

  /** How long a start of it takes that does nothing, in seconds: long on a slow or busy machine. */
  async secondsToStart(): Promise<number> {
    const home = Deno.makeTempDirSync({ prefix: "peer-start-" });
    const startedAt = performance.now();
    await this.with(["status", "--home", home]).output();
    const seconds = (performance.now() - startedAt) / 1_000;
    Deno.removeSync(home, { recursive: true });
    return seconds;
  }
}
