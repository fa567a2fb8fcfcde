/** The command `start` and its options, of which `peer.toml` may set each one. */
import type { Command } from "commander";
import { LOG_LEVELS } from "../../log.ts";
import { CHOKING, ENCRYPTION_POLICIES, PORTS } from "../../settings.ts";
import * as values from "../option_values.ts";
import type { StartOptions, StartWords } from "../start_command.ts";
import { PROGRESS_MODES } from "../progress/progress_view.ts";
import { type Finish, ListOption, option, WordOption } from "./option_kinds.ts";
import { parseSchedule } from "./schedule_text.ts";

/** Adds the command to the program, as the one that runs where no other is named, and returns it. */
export function addStart(program: Command, finish: Finish): Command {
  const { peer, tracker, web } = PORTS;
  return program.command("start", { isDefault: true })
    .description("share and fetch; no argument: all in torrents/")
    .argument("[TORRENT...]", "torrent files or magnet links; a bare name is looked up in torrents/ too")
    .optionsGroup("Where it listens, and whom it finds:")
    .addOption(option(
      "--host <ADDR>",
      "address to listen on (default: all)",
      values.parseHost,
      () => `; ${values.ownAddressesText()}`,
    ))
    .addOption(option(
      "--port <N>",
      `peer port, 0 for any (default: ${peer.first}, or the next free one up to ${peer.last})`,
      values.parsePort,
    ))
    .addOption(option(
      "--tracker-port <N>",
      `tracker port, 0 for any (default: ${tracker.first}, or the next free one up to ${tracker.last})`,
      values.parsePort,
    ))
    .addOption(option(
      "--name <NAME>",
      "what the others call this machine (default: its host name)",
      values.parseText,
    ))
    .option("--no-tracker", "run no tracker")
    .option("--open-tracker", "track any info-hash, not only those shared here")
    .option("--hand-out", "let machines without this program fetch it, at the tracker's port")
    .addOption(
      new ListOption(
        "--trusted-proxy <ADDR>",
        "IP address of a proxy that announces for others to the tracker, and says for whom",
        values.parseHost,
      ),
    )
    .addOption(new ListOption("--peer <HOST:PORT>", "connect to this peer at once", values.parsePeer))
    .option("--no-lsd", "do not look for peers by multicast")
    .option("--no-pex", "do not exchange peers with other peers")
    .addOption(
      new WordOption("--encryption <HOW>", "of connections between peers: ", ENCRYPTION_POLICIES).default(
        "prefer",
      ),
    )
    .addOption(option(
      "--ip-filter <FILE>",
      "addresses never to talk to: CIDR, ranges, .dat or .p2p lists",
      values.parseText,
    ))
    .optionsGroup("How it is steered:")
    .addOption(option(
      "--web <ADDR:PORT>",
      `where the page and the HTTP interface are (default: 127.0.0.1:${web.first}, or the next free port up to ${web.last})`,
      values.parseWeb,
    ))
    .option("--no-web", "serve no page and no HTTP interface; peer status and the like work all the same")
    .addOption(option(
      "--web-password-file <FILE>",
      "its first line is the password of the page, which other machines need",
      values.parseText,
    ))
    .option(
      "--open-rpc",
      "Transmission's tools on this machine need no password; every user of this machine can steer then",
    )
    .addOption(
      new ListOption(
        "--output-folders <DIR>",
        "folder below which programs on the network may have data put",
        values.parseText,
      ),
    )
    .optionsGroup("What it fetches, kept for each torrent until something else is said:")
    .addOption(
      new ListOption("--only <GLOB>", "fetch only files that match, such as '*.pdf'", values.parseText),
    )
    .addOption(new ListOption("--skip <GLOB>", "fetch no files that match", values.parseText))
    .addOption(new ListOption("--first <GLOB>", "fetch files that match before the others", values.parseText))
    .option("--sequential", "fetch from the beginning to the end, instead of the rarest first")
    .option("--no-sequential", "fetch the rarest first again")
    .addOption(option("--output <DIR>", "the folder for the data of the named torrents", values.parseText))
    .addOption(
      new ListOption(
        "--reuse <PATH>",
        "an older version of the named torrents' data, of which pieces are taken",
        values.parseText,
      ),
    )
    .optionsGroup("How it shares:")
    .option(
      "--super-seed",
      "as first seeder: give each piece to one peer, so that little more than one copy is sent",
    )
    .addOption(
      option(
        "--upload-slots <N>",
        `peers uploaded to at once, per torrent (default: ${CHOKING.uploadSlots})`,
        values.parseCount,
      ),
    )
    .addOption(
      option(
        "--download-sources <N>",
        `peers downloaded from at once, per torrent (default: ${CHOKING.downloadSources})`,
        values.parseCount,
      ),
    )
    .addOption(
      option(
        "--rechoke <SECONDS>",
        `how often both are re-evaluated (default: ${CHOKING.rechokeMs / 1000})`,
        values.parseInterval,
      ),
    )
    .addOption(option("--max-upload <RATE>", "bytes per second, such as 500K or 1.5MiB", values.parseRate))
    .addOption(option("--max-download <RATE>", "the same for downloading", values.parseRate))
    .addOption(
      option("--alt-upload <RATE>", "the upload limit while the alternative limits are on", values.parseRate),
    )
    .addOption(option("--alt-download <RATE>", "the same for downloading", values.parseRate))
    .option("--alt", "turn the alternative limits on")
    .addOption(option(
      "--alt-schedule <HOURS>",
      "when they are on by themselves: 22:00-06:00, or 'mon-fri 08:00-17:00'; none",
      parseSchedule,
    ))
    .addOption(
      option(
        "--max-active <N>",
        "torrents that are fetched at once; the others wait (default: all)",
        values.parseCount,
      ),
    )
    .addOption(option(
      "--seed-ratio <RATIO>",
      "pause a finished torrent that has sent so many times what it received (default: never)",
      values.parseRatio,
    ))
    .addOption(option(
      "--seed-time <SECONDS>",
      "pause a finished torrent after this time of seeding (default: never)",
      values.parseInterval,
    ))
    .optionsGroup("When it ends, and what it tells:")
    .option("--exit-when-complete", "stop once every torrent is complete")
    .addOption(
      option(
        "--seed-for <SECONDS>",
        "with --exit-when-complete: keep seeding this long first",
        values.parseDuration,
      )
        .default(0, "0"),
    )
    .addOption(
      new WordOption("--progress <HOW>", "", PROGRESS_MODES).default("auto"),
    )
    .addOption(new WordOption("--log-level <LEVEL>", "", LOG_LEVELS).default("warn"))
    .addOption(
      option("--log-file <FILE>", "add log lines to its end, instead of showing them", values.parseText),
    )
    .action(async (torrents: string[], _options, command: Command) => {
      const isFirstWord = torrents.length > 0 && program.args[0] === torrents[0];
      const commands = isFirstWord ? [...program.commands.map((each) => each.name()), "help"] : [];
      const { start } = await import("../start_command.ts");
      finish(await start(torrents, await wordsOf(command), commands));
    });
}

/**
 * The options as they were said, in each place, for a command that has some of the options of `start`: `peer.toml` and
 * the defaults are those of `start`. Errors: `Failure` for a bad `peer.toml`.
 */
export async function wordsOf(command: Command, start: Command = command): Promise<StartWords> {
  const names = new Set(
    [...start.options, ...start.parent?.options ?? []].map((each) => each.attributeName()),
  );
  const saidIn = (source: string, { of = command } = {}) => {
    const isSaid = ([name]: [string, unknown]) =>
      names.has(name) && of.getOptionValueSourceWithGlobals(name) === source;
    return Object.fromEntries(Object.entries(of.optsWithGlobals<StartOptions>()).filter(isSaid));
  };
  const { readPeerToml } = await import("../peer_toml.ts");
  const file = await readPeerToml(command.optsWithGlobals<StartOptions>().home, start);
  const defaults = saidIn("default", { of: start }) as StartWords["defaults"];
  return { commandLine: saidIn("cli"), file, defaults };
}
