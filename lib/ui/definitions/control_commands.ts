/** The commands that talk to the running process of a home. */
import type { Command } from "commander";
import type { ExitCode } from "../failure.ts";
import type { Remote, RemoteOptions } from "../control/remote.ts";
import { GROUPS } from "../help.ts";
import * as values from "../option_values.ts";
import { LIMITS } from "./limit_options.ts";
import { type Finish, ListOption, option, WordOption } from "./option_kinds.ts";

/** What a command does with the process: it gets the words and options of the command line. */
type Talk<Options extends RemoteOptions> = (
  remote: Remote,
  words: readonly string[],
  options: Options,
) => Promise<ExitCode>;

const NAMES = "number, name or info-hash; the beginning is enough";
const NAMES_OR_ALL = `${NAMES}; all for all`;

/** Adds the commands to the program. */
export function addControlCommands(program: Command, finish: Finish): void {
  program.commandsGroup(GROUPS.look);
  addViews(program, finish);
  program.commandsGroup(GROUPS.steer);
  addOrders(program, finish);
  addChoices(program, finish);
  addChange(program, finish);
  addProcessOrders(program, finish);
}

/** Lets a command talk to the process of its home when it runs. */
function talking<Options extends RemoteOptions>(
  command: Command,
  finish: Finish,
  talk: Talk<Options>,
): Command {
  return command.option("--json", "print JSON").action(async () => {
    const options = command.optsWithGlobals<Options>();
    const { withRemote } = await import("../control/remote.ts");
    finish(await withRemote(command.name(), options.home, (remote) => talk(remote, command.args, options)));
  });
}

function addViews(program: Command, finish: Finish): void {
  const status = program.command("status").description("show all torrents of the running peer")
    .option("--watch", "show them anew each second, until Ctrl-C");
  talking(status, finish, async (remote, _words, options) => {
    const { status } = await import("../control/status_command.ts");
    return await status(remote, options);
  });
  const views = [
    ["files", "show the files of a torrent"],
    ["peers", "show its peers: who gives, who gets, and why"],
    ["trackers", "show its trackers, and what they said"],
  ] as const;
  for (const [name, description] of views) {
    const view = program.command(name).description(description).argument("<TORRENT>", NAMES);
    talking(view, finish, async (remote, [word], options) => {
      const commands = await import("../control/view_commands.ts");
      return await commands[name](remote, word, options);
    });
  }
  const hosts = program.command("hosts").description("show all machines: who is done, who is slow, and why")
    .argument("<TORRENT>", NAMES);
  talking(hosts, finish, async (remote, [word], options) => {
    const { hosts } = await import("../control/hosts_command.ts");
    return await hosts(remote, word, options);
  });
  const wait = program.command("wait").description("return when this machine, or so many, have it")
    .argument("<TORRENT>", NAMES)
    .addOption(
      option("--hosts <N>", "how many machines are to have it, this one among them", values.parseHosts),
    )
    .addOption(option("--timeout <TIME>", "fail after 90s, 10m or 1h (default: never)", values.parseTimeout));
  talking(wait, finish, async (remote, [word], options) => {
    const { wait } = await import("../control/wait_command.ts");
    return await wait(remote, word, options);
  });
  const doctor = program.command("doctor").description("find out what is wrong, and what to do")
    .argument("[TORRENT]", `${NAMES} (default: all)`);
  talking(doctor, finish, async (remote, [word], options) => {
    const { doctor } = await import("../control/doctor_command.ts");
    return await doctor(remote, word, options);
  });
  const pieces = program.command("pieces").description("show a map of its pieces").argument(
    "<TORRENT>",
    NAMES,
  );
  talking(pieces, finish, async (remote, [word], options) => {
    const { pieces } = await import("../control/pieces_command.ts");
    return await pieces(remote, word, options);
  });
  const web = program.command("web").description("print the address of its page");
  talking(web, finish, async (remote, _words, options) => {
    const { web } = await import("../control/process_commands.ts");
    return await web(remote, options);
  });
  const log = program.command("log").description("tell what has happened lately")
    .option("--follow", "go on telling, until Ctrl-C");
  talking(log, finish, async (remote, _words, options) => {
    const { log } = await import("../control/log_command.ts");
    return await log(remote, options);
  });
}

function addOrders(program: Command, finish: Finish): void {
  const command = program.command("add").description("hand torrents to the running peer")
    .argument("<TORRENT...>", "torrent files, magnet links, or http addresses of torrent files")
    .addOption(new ListOption("--only <GLOB>", "fetch only files that match", values.parseText))
    .addOption(new ListOption("--skip <GLOB>", "fetch no files that match", values.parseText))
    .addOption(new ListOption("--first <GLOB>", "fetch files that match before the others", values.parseText))
    .option("--sequential", "fetch from the beginning to the end")
    .option("--paused", "let it rest until peer resume")
    .addOption(new ListOption("--label <TEXT>", "a label for it", values.parseText))
    .addOption(option("--output <DIR>", "the folder for its data", values.parseText))
    .addOption(
      new ListOption(
        "--reuse <PATH>",
        "an older version of its data, of which pieces are taken",
        values.parseText,
      ),
    )
    .addOption(new ListOption("--peer <HOST:PORT>", "connect to this peer at once", values.parsePeer))
    .option("--json", "print JSON")
    .action(async (words: string[]) => {
      const { addWords } = await import("../control/add_command.ts");
      finish(await addWords(words, command.optsWithGlobals()));
    });
  const orders = [
    ["pause", "let torrents rest"],
    ["resume", "let them go on, or try again"],
    ["verify", "check all their data again"],
    ["reannounce", "ask their trackers now"],
  ] as const;
  for (const [name, description] of orders) {
    const order = program.command(name).description(description).argument("<TORRENT...>", NAMES_OR_ALL);
    talking(order, finish, async (remote, words, options) => {
      const commands = await import("../control/order_commands.ts");
      return await commands.order(remote, name, words, options);
    });
  }
  const remove = program.command("remove").description("leave torrents for good; finished data stays")
    .argument("<TORRENT...>", NAMES_OR_ALL)
    .option("--delete-data", "delete their finished data too");
  talking(remove, finish, async (remote, words, options) => {
    const { remove } = await import("../control/order_commands.ts");
    return await remove(remote, words, options);
  });
}

function addChoices(program: Command, finish: Finish): void {
  const limit = program.command("limit").description("choose limits and slots; without options, show them")
    .argument("[TORRENT...]", `${NAMES_OR_ALL} (default: the whole process)`);
  for (const { flags, description, parse } of LIMITS) limit.addOption(option(flags, description, parse));
  talking(limit, finish, async (remote, words, { home, json, ...chosen }) => {
    const { limit } = await import("../control/choice_commands.ts");
    const values = new Map(Object.entries(chosen));
    const choices = LIMITS.filter(({ attribute }) => values.has(attribute)).map(({ attribute, choice }) => {
      const value = values.get(attribute);
      return [choice, value === "default" ? null : value];
    });
    return await limit(remote, words, { home, ...(json ? { json } : {}), ...Object.fromEntries(choices) });
  });
  const select = program.command("select").description("choose which files are fetched")
    .argument("<TORRENT...>", NAMES_OR_ALL)
    .addOption(new ListOption("--only <GLOB>", "fetch only files that match; '*' for all", values.parseText))
    .addOption(new ListOption("--skip <GLOB>", "fetch no files that match", values.parseText))
    .addOption(new ListOption("--first <GLOB>", "fetch files that match before the others", values.parseText))
    .option("--sequential", "fetch from the beginning to the end")
    .option("--no-sequential", "fetch the rarest pieces first again");
  talking(select, finish, async (remote, words, options) => {
    const { select } = await import("../control/choice_commands.ts");
    return await select(remote, words, options);
  });
}

/** `change` for torrents, which has an option for each part that belongs to them. */
function addChange(program: Command, finish: Finish): void {
  const list = (flags: string, description: string, parse = values.parseText) =>
    new ListOption(flags, description, parse);
  const change = program.command("change")
    .description("change their trackers, web seeds, labels, place in the queue, folder")
    .argument("<TORRENT...>", NAMES_OR_ALL)
    .addOption(list("--add-tracker <ADDR>", "announce to this tracker too: URL, host or host:port"))
    .addOption(list("--drop-tracker <ADDR>", "announce to it no more"))
    .addOption(list("--add-web-seed <URL>", "fetch from this web server too", values.parseWebSeed))
    .addOption(list("--drop-web-seed <URL>", "fetch from it no more", values.parseWebSeed))
    .addOption(list("--add-label <TEXT>", "a label for it"))
    .addOption(list("--drop-label <TEXT>", "take a label off it"))
    .addOption(list("--add-peer <HOST:PORT>", "connect to this peer at once", values.parsePeer))
    .addOption(
      new WordOption("--queue <PLACE>", "move it within the queue: ", ["top", "up", "down", "bottom"]),
    )
    .addOption(
      option("--move-to <DIR>", "move its data into this folder", values.parseText).conflicts("dataIn"),
    )
    .addOption(option("--data-in <DIR>", "look for its data in this folder", values.parseText));
  talking(change, finish, async (remote, words, options) => {
    const { change } = await import("../control/change_command.ts");
    return await change(remote, words, options);
  });
}

function addProcessOrders(program: Command, finish: Finish): void {
  const ban = program.command("ban").description("connect with addresses no more; without one, list them")
    .argument("[ADDRESS...]", "IP addresses");
  const unban = program.command("unban").description("take bans back")
    .argument("<ADDRESS...>", "IP addresses");
  for (const [command, order] of [[ban, "ban"], [unban, "unban"]] as const) {
    talking(command, finish, async (remote, words, options) => {
      const { changeBans } = await import("../control/process_commands.ts");
      return await changeBans(remote, order, words, options);
    });
  }
  talking(
    program.command("stop").description("stop the running peer"),
    finish,
    async (remote, _words, options) => {
      const { stop } = await import("../control/process_commands.ts");
      return await stop(remote, options);
    },
  );
}
