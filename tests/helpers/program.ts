import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** Our own program as users start it: `command`, a compiled one, or else this checkout as `deno task peer` runs it. */
export class Program {
  readonly #command: readonly string[];

  constructor(command?: string) {
    const [_deno, ...args] = denoConfig.tasks.peer.split(" ");
    this.#command = command === undefined ? [Deno.execPath(), ...args] : [Deno.realPathSync(command)];
  }

  /** A process of it that is still to be started, without input. */
  with(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
    const [path, ...first] = this.#command;
    return new Deno.Command(path, { cwd: PROJECT, stdin: "null", ...options, args: [...first, ...args] });
  }
}
