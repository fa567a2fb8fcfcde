/** The command line: commands, options and help as README.md lists them, and what comes back as an exit code. */
import { Argument, Command, CommanderError, Option } from "commander";
import { messageOf } from "../errors.ts";
import { createLogger, LOG_LEVELS, printable } from "../log.ts";
import { CHOKING, ENCRYPTION_POLICIES, PORTS, VERSION } from "../settings.ts";
import { check, create, edit, info } from "./commands.ts";
import { didYouMean } from "./did_you_mean.ts";
import { EXIT, type ExitCode, Failure } from "./failure.ts";
import * as values from "./option_values.ts";
import { errorWriter, printLine } from "./output.ts";
import { PROGRESS_MODES } from "./progress/progress_view.ts";
import { service, SERVICE_ACTIONS, type ServiceAction } from "./service/service_command.ts";
import { start } from "./start_command.ts";

/**
 * Runs the program with these arguments.
 *
 * Returns the exit code. Each failure has been told by then, in one line on standard error.
 */
export async function runCli(args: readonly string[]): Promise<ExitCode> {
  const done = new AbortController();
  const exitWith = (event: Event, thrown: unknown) => {
    event.preventDefault();
    Deno.exit(tellFailure(thrown, args));
  };
  globalThis.addEventListener("unhandledrejection", (event) => exitWith(event, event.reason), done);
  globalThis.addEventListener("error", (event) => exitWith(event, event.error), done);
  try {
    let exitCode: ExitCode = EXIT.ok;
    await buildProgram((code) => exitCode = code).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return tellFailure(error, args);
  } finally {
    done.abort();
  }
}

/** Prints `peer: WHAT: WHY` and returns the exit code that belongs to it. */
function tellFailure(error: unknown, args: readonly string[]): ExitCode {
  const failure = failureOf(error);
  if (failure === undefined) return EXIT.ok;
  const tell = errorWriter();
  tell(`peer: ${printable(failure.what)}: ${printable(failure.message)}`);
  const isUnexpected = failure.what === "internal error" && error instanceof Error;
  // The failure may come before commander has read the options, so the words themselves are searched.
  if (isUnexpected && /--log-level[ =]debug/.test(args.join(" "))) {
    createLogger("debug", tell).debug(error.stack ?? "");
  }
  return failure.exitCode;
}

/** The failure of something thrown; undefined where commander throws after it has shown help or version. */
function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (!(error instanceof CommanderError)) return new Failure(EXIT.failed, "internal error", messageOf(error));
  if (error.exitCode === 0) return undefined;
  const why = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return new Failure(EXIT.usage, "command line", why[0].toUpperCase() + why.slice(1));
}

/** Makes the text that follows a failure about a value. */
type Hint = (text: string) => string;

/**
 * An option whose value `parse` makes. A `RangeError` of `parse` becomes a usage failure that names the option and ends
 * with the hint.
 */
function option<Value>(
  flags: string,
  description: string,
  parse: (text: string) => Value,
  hint?: Hint,
): Option {
  const option = new Option(flags, description);
  return option.argParser((text) => parseOrFail(option, parse, text, hint));
}

/** An option that takes one of some words. */
function wordOption(flags: string, description: string, words: readonly string[]): Option {
  return option(
    flags,
    `${description}${words.join(", ")}`,
    values.oneOf(words),
    (text) => didYouMean(text, words),
  );
}

/** An option that may be given several times; its value is the list. */
function listOption<Value>(flags: string, description: string, parse: (text: string) => Value): Option {
  const option = new Option(flags, `${description} (repeatable)`);
  return option.argParser((text, earlier: Value[] | undefined) => [
    ...(earlier ?? []),
    parseOrFail(option, parse, text),
  ]);
}

function parseOrFail<Value>(
  option: Option,
  parse: (text: string) => Value,
  text: string,
  hint?: Hint,
): Value {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Failure(EXIT.usage, option.long ?? option.flags, error.message + (hint?.(text) ?? ""));
  }
}

/** The whole command line; `finish` hears the exit code of the command that ran. */
export function buildProgram(finish: (code: ExitCode) => void): Command {
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
      option("--home <DIR>", "the folder to work in", values.parseText).default(".", "."),
    )
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => TERMS.get(command.name())! })
    .configureOutput({ writeOut: (text) => printLine(text.trimEnd()), writeErr: () => {} })
    .exitOverride();
  addStart(program, finish);
  addCreate(program, finish);
  addOthers(program, finish);
  addService(program, finish);
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

function addStart(program: Command, finish: (code: ExitCode) => void): void {
  const { peer, tracker } = PORTS;
  program.command("start", { isDefault: true })
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
    .option("--no-tracker", "run no tracker")
    .option("--open-tracker", "track any info-hash, not only those shared here")
    .addOption(listOption(
      "--trusted-proxy <ADDR>",
      "IP address of a proxy that announces for others to the tracker, and says for whom",
      values.parseHost,
    ))
    .addOption(listOption("--peer <HOST:PORT>", "connect to this peer at once", values.parsePeer))
    .option("--no-lsd", "do not look for peers by multicast")
    .option("--no-pex", "do not exchange peers with other peers")
    .addOption(
      wordOption("--encryption <HOW>", "of connections between peers: ", ENCRYPTION_POLICIES).default(
        "prefer",
      ),
    )
    .addOption(option(
      "--ip-filter <FILE>",
      "addresses never to talk to: CIDR, ranges, .dat or .p2p lists",
      values.parseText,
    ))
    .optionsGroup("What it fetches, kept for each torrent until something else is said:")
    .addOption(listOption("--only <GLOB>", "fetch only files that match, such as '*.pdf'", values.parseText))
    .addOption(listOption("--skip <GLOB>", "fetch no files that match", values.parseText))
    .addOption(listOption("--first <GLOB>", "fetch files that match before the others", values.parseText))
    .option("--sequential", "fetch from the beginning to the end, instead of the rarest first")
    .option("--no-sequential", "fetch the rarest first again")
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
      wordOption("--progress <HOW>", "", PROGRESS_MODES).default("auto"),
    )
    .addOption(wordOption("--log-level <LEVEL>", "", LOG_LEVELS).default("warn"))
    .action(async (torrents: string[], _options, command: Command) => {
      const isFirstWord = torrents.length > 0 && program.args[0] === torrents[0];
      const commands = isFirstWord ? [...program.commands.map((each) => each.name()), "help"] : [];
      finish(await start(torrents, command.optsWithGlobals(), commands));
    });
}

function addCreate(program: Command, finish: (code: ExitCode) => void): void {
  program.command("create")
    .description("make a .torrent of a file or folder")
    .argument("<PATH>", "the file or folder")
    .addOption(
      listOption("--announce <ADDR>", "URL, host or host:port of a tracker", values.parseAnnounce),
    )
    .addOption(option(
      "--piece-length <SIZE>",
      "a power of two from 16KiB to 64MiB (default: by the size)",
      values.parsePieceLength,
    ))
    .option("--private", "only the announce addresses may name peers (BEP 27)")
    .option("--comment <TEXT>", "a comment", "")
    .addOption(listOption("--web-seed <URL>", "HTTP address of the same data", values.parseWebSeed))
    .addOption(option("--output <FILE>", "file to write (default: torrents/NAME.torrent)", values.parseText))
    .option("--json", "print JSON")
    .action(async (path: string, _options, command: Command) => {
      finish(await create(path, command.optsWithGlobals()));
    });
}

function addOthers(program: Command, finish: (code: ExitCode) => void): void {
  program.command("edit")
    .description("change where others are looked for")
    .argument("<TORRENT>", "torrent file")
    .addOption(
      listOption("--announce <ADDR>", "URL, host or host:port of a tracker", values.parseAnnounce)
        .makeOptionMandatory(),
    )
    .action(async (torrent: string, _options, command: Command) => {
      finish(await edit(torrent, command.optsWithGlobals()));
    });
  program.command("info")
    .description("show what is inside")
    .argument("<TORRENT>", "torrent file or magnet link")
    .option("--swarm", "ask its trackers how many peers are there")
    .option("--json", "print JSON")
    .action(async (torrent: string, _options, command: Command) => {
      finish(await info(torrent, command.optsWithGlobals()));
    });
  program.command("check")
    .description("hash the data and say what is there")
    .argument("<TORRENT>", "torrent file")
    .option("--json", "print JSON")
    .action(async (torrent: string, _options, command: Command) => {
      finish(await check(torrent, command.optsWithGlobals()));
    });
}

function addService(program: Command, finish: (code: ExitCode) => void): void {
  const startCommand = program.commands[0];
  program.command("service")
    .description("let the system start it by itself")
    .addArgument(new Argument("<ACTION>", "what to do").choices(SERVICE_ACTIONS))
    .argument("[OPTIONS...]", "options and torrents, as of start")
    .option("--system", "for the whole machine, not only while this user is logged on")
    .option("--dry-run", "only show what would be written")
    .allowUnknownOption()
    .action(async (action: ServiceAction, words: string[], _options, command: Command) => {
      const isNamed = program.getOptionValueSource("home") === "cli";
      const options = command.optsWithGlobals();
      const home: string | undefined = isNamed ? options.home : undefined;
      finish(await service(action, { ...options, home }, { words, command: startCommand }));
    });
}
