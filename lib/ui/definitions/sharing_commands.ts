/** The commands that share and get by a code. */
import type { Command, Option } from "commander";
import { LOG_LEVELS } from "../../log.ts";
import * as values from "../option_values.ts";
import { PROGRESS_MODES } from "../progress/progress_view.ts";
import { type Finish, ListOption, option, WordOption } from "./option_kinds.ts";
import { wordsOf } from "./start_options.ts";

/** Adds the commands to the program; a peer that they begin is one of `startCommand`. */
export function addSharingCommands(program: Command, startCommand: Command, finish: Finish): void {
  const share = program.command("share")
    .description("share files and folders from where they lie, by a code")
    .argument("<PATH...>", "files and folders; each gets a code of its own")
    .option("--hidden", "do not show it to those who know no code")
    .option("--strong", "say a code of six words, which nobody can forge")
    .addOption(
      option(
        "--replaces <TORRENT>",
        "the torrent of the version before: with its piece length, others find most pieces in that",
        values.parseText,
      ),
    )
    .addOption(
      new ListOption("--to <HOST>", "as lead of a fleet: offer it to this host, or to all", values.parseText),
    );
  withStartOptions(share).action(async (paths: string[], options, command: Command) => {
    const words = await wordsOf(command, startCommand);
    const commands = await import("../sharing/share_command.ts");
    finish(await commands.share(paths, options, words));
  });
  const get = program.command("get")
    .description("get what is shared near by: by its code, or from a list")
    .argument(
      "[WORD...]",
      "the words of the code; the first four letters of each are enough (default: show a list)",
    )
    .addOption(option("--output <DIR>", "the folder for the data (default: shareable/)", values.parseText))
    .addOption(
      new ListOption(
        "--reuse <PATH>",
        "an older version of the data, of which pieces are taken",
        values.parseText,
      ),
    )
    .option("--yes", "do not ask")
    .option("--json", "print what is found as JSON, and get nothing");
  withStartOptions(get).action(async (code: string[], options, command: Command) => {
    const words = await wordsOf(command, startCommand);
    const commands = await import("../sharing/get_command.ts");
    finish(await commands.get(code, options, words));
  });
}

/** Adds the options of `start` that matter where a peer begins with these commands; all others may be in `peer.toml`. */
export function withStartOptions(command: Command): Command {
  const some: readonly Option[] = [
    option("--host <ADDR>", "address to listen on (default: all)", values.parseHost),
    option("--port <N>", "peer port, 0 for any", values.parsePort),
    option("--tracker-port <N>", "tracker port, 0 for any", values.parsePort),
    option("--name <NAME>", "what the others call this machine (default: its host name)", values.parseText),
    new ListOption("--peer <HOST:PORT>", "ask this peer, and connect to it, too", values.parsePeer),
    option("--max-upload <RATE>", "bytes per second, such as 500K or 1.5MiB", values.parseRate),
    option("--max-download <RATE>", "the same for downloading", values.parseRate),
  ];
  command.optionsGroup("As of start, where no peer runs in this folder yet:");
  for (const each of some) command.addOption(each);
  return command
    .option("--no-tracker", "run no tracker")
    .option("--hand-out", "let machines without this program fetch it, at the tracker's port")
    .option("--no-lsd", "do not look for peers by multicast")
    .addOption(option("--web <ADDR:PORT>", "where the page is", values.parseWeb))
    .option("--no-web", "serve no page")
    .option("--exit-when-complete", "stop once every torrent is complete")
    .addOption(
      option(
        "--seed-for <SECONDS>",
        "with --exit-when-complete: keep seeding this long first",
        values.parseDuration,
      ),
    )
    .addOption(new WordOption("--progress <HOW>", "", PROGRESS_MODES))
    .addOption(new WordOption("--log-level <LEVEL>", "", LOG_LEVELS))
    .addOption(
      option("--log-file <FILE>", "add log lines to its end, instead of showing them", values.parseText),
    );
}
