/** `peer completion` and `peer man`: texts that are made of the definitions of the commands. */
import type { Command } from "commander";
import { printable } from "../../log.ts";
import { VERSION } from "../../settings.ts";
import { openRemote, torrentsOf } from "../control/remote.ts";
import { EXIT, type ExitCode } from "../failure.ts";
import { printLine } from "../output.ts";
import { bashScript } from "./bash_script.ts";
import { commandShapes } from "./command_shapes.ts";
import { fishScript } from "./fish_script.ts";
import { manualPage } from "./manual_page.ts";
import { powershellScript } from "./powershell_script.ts";
import type { Completed } from "./subjects.ts";
import { zshScript } from "./zsh_script.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript, powershell: powershellScript };

/** Prints the script for a shell, or what the scripts ask for: the names of torrents, none where no peer runs. */
export async function completion(subject: Completed, program: Command, home: string): Promise<ExitCode> {
  if (subject !== "torrents") {
    printLine(SCRIPTS[subject](commandShapes(program)).trimEnd());
    return EXIT.ok;
  }
  for (const name of await torrentNames(home)) printLine(name);
  return EXIT.ok;
}

/** The names of the running peer's torrents; the number of a torrent whose name a terminal cannot show, or has twice. */
async function torrentNames(home: string): Promise<string[]> {
  try {
    using remote = await openRemote(home);
    const torrents = await torrentsOf(remote);
    const counts = Map.groupBy(torrents, ({ name }) => name);
    return torrents.map(({ name, number }) =>
      printable(name) === name && counts.get(name)!.length === 1 ? name : String(number)
    );
  } catch {
    // A shell that completes a word has no use for a reason.
    return [];
  }
}

/** Prints the manual page. */
export function man(program: Command): ExitCode {
  printLine(manualPage(commandShapes(program), VERSION).trimEnd());
  return EXIT.ok;
}
