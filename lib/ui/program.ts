/** The command line: commands, options and help as README.md lists them. Each command loads its code when it runs. */
import { Command, Option } from "commander";
import { VERSION } from "../settings.ts";
import { type Finish, option } from "./definitions/option_kinds.ts";
import { addStart } from "./definitions/start_options.ts";
import { addTorrentCommands } from "./definitions/torrent_commands.ts";
import { parseText } from "./option_values.ts";
import { printLine } from "./output.ts";

/** The whole command line; `finish` hears the exit code of the command that ran. */
export function buildProgram(finish: Finish): Command {
  const program = new Command("peer")
    .description("Shares files on a local network; each machine runs it with the same torrent.")
    .usage("[COMMAND] [options] [TORRENT ...]")
    .version(
      `peer ${VERSION}\nDeno ${Deno.version.deno}, ${Deno.build.target}`,
      "--version",
      "show the version, Deno's and the system",
    )
    // A reader of the help has found this option already, and the screen has no line to spare.
    .addHelpOption(new Option("-h, --help", "show this help").hideHelp())
    .helpCommand("help [COMMAND]", "all options of a command")
    .addOption(
      option("--home <DIR>", "the folder to work in", parseText).default(".", "."),
    )
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => TERMS.get(command.name())! })
    .configureOutput({ writeOut: (text) => printLine(text.trimEnd()), writeErr: () => {} })
    .exitOverride();
  const startCommand = addStart(program, finish);
  addTorrentCommands(program, startCommand, finish);
  return program.addHelpText("after", EXAMPLES);
}

/** The form of each command in the list of all commands. */
const TERMS: ReadonlyMap<string, string> = new Map([
  ["start", "[start] [TORRENT|MAGNET ...]"],
  ["create", "create PATH"],
  ["edit", "edit TORRENT --announce ADDR"],
  ["info", "info TORRENT|MAGNET"],
  ["check", "check TORRENT"],
  ["service", "service install|status|remove"],
  ["help", "help [COMMAND]"],
]);

/** The first steps of most users. The whole help fits on a terminal of 80 columns and 24 lines. */
const EXAMPLES = `
Examples:
  peer create shareable/film.mp4   make torrents/film.mp4.torrent
  peer film.mp4.torrent            share it; on other machines: fetch it
  peer                             all in torrents/, and what comes there
  peer info film.mp4.torrent       what is inside; with --swarm: who is there`;
