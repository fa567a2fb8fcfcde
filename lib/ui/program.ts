/** The command line: commands, options and help as README.md lists them. Each command loads its code when it runs. */
import { Command, Option } from "commander";
import { VERSION } from "../settings.ts";
import { addControlCommands } from "./definitions/control_commands.ts";
import { addFleetCommand } from "./definitions/fleet_command.ts";
import { type Finish, option } from "./definitions/option_kinds.ts";
import { addSharingCommands } from "./definitions/sharing_commands.ts";
import { addStart } from "./definitions/start_options.ts";
import { addTorrentCommands } from "./definitions/torrent_commands.ts";
import { GROUPS, helpOf } from "./help.ts";
import { parseText } from "./option_values.ts";
import { printLine } from "./output.ts";

/** The whole command line; `finish` hears the exit code of the command that ran. */
export function buildProgram(finish: Finish): Command {
  const program = new Command("peer")
    .description("Copies files to every machine of a local network, each with the same torrent.")
    .usage("[COMMAND] [options] [TORRENT ...]")
    .version(
      `peer ${VERSION}\nDeno ${Deno.version.deno}, ${Deno.build.target}`,
      "--version",
      "show the version",
    )
    // A reader of the help has found this option already, and the screen has no line to spare.
    .addHelpOption(new Option("-h, --help", "show this help").hideHelp())
    .helpCommand("help [COMMAND]", "all options of a command")
    .addOption(
      option("--home <DIR>", "the folder to work in", parseText).default(".", "."),
    )
    .configureHelp({ showGlobalOptions: true, formatHelp: helpOf })
    .configureOutput({
      writeOut: (text) => printLine(text.trimEnd()),
      writeErr: (text) => printLine(text.trimEnd()),
      outputError: () => {},
    })
    .exitOverride();
  program.commandsGroup(GROUPS.share);
  const startCommand = addStart(program, finish);
  addSharingCommands(program, startCommand, finish);
  addTorrentCommands(program, startCommand, finish);
  addFleetCommand(program, startCommand, finish);
  addControlCommands(program, finish);
  return program;
}
