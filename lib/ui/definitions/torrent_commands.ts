/** The commands about torrents and services, which need no running peer. */
import { Argument, type Command } from "commander";

import { COMPLETED, type Completed } from "../completion/subjects.ts";
import { GROUPS } from "../help.ts";
import * as values from "../option_values.ts";
import { SERVICE_ACTIONS, type ServiceAction } from "../service/service_plan.ts";
import { type Finish, ListOption, option } from "./option_kinds.ts";

/** Adds the commands to the program; the words of `service` are parsed as `startCommand` parses them. */
export function addTorrentCommands(program: Command, startCommand: Command, finish: Finish): void {
  addCreate(program, finish);
  addOthers(program, finish);
  program.commandsGroup(GROUPS.more);
  addService(program, startCommand, finish);
  addTexts(program, finish);
}

function addTexts(program: Command, finish: Finish): void {
  program.command("completion")
    .description("print the completions for a shell, or what these ask for")
    .addArgument(new Argument("<SHELL>", "the shell").choices(COMPLETED))
    .action(async (subject: Completed, _options, command: Command) => {
      const { completion } = await import("../completion/completion_command.ts");
      finish(await completion(subject, program, command.optsWithGlobals<{ home: string }>().home));
    });
  program.command("man")
    .description("print the manual page, for man -l - or a file peer.1")
    .action(async () => {
      const { man } = await import("../completion/completion_command.ts");
      finish(man(program));
    });
}

function addCreate(program: Command, finish: Finish): void {
  program.command("create")
    .description("make a .torrent of a file or folder")
    .argument("<PATH>", "the file or folder")
    .addOption(
      new ListOption("--announce <ADDR>", "URL, host or host:port of a tracker", values.parseText),
    )
    .addOption(option(
      "--piece-length <SIZE>",
      "a power of two from 16KiB to 64MiB (default: by the size)",
      values.parsePieceLength,
    ))
    .option("--private", "only the announce addresses may name peers (BEP 27)")
    .option("--comment <TEXT>", "a comment", "")
    .addOption(new ListOption("--web-seed <URL>", "HTTP address of the same data", values.parseWebSeed))
    .addOption(option("--output <FILE>", "file to write (default: torrents/NAME.torrent)", values.parseText))
    .option("--json", "print JSON")
    .action(async (path: string, _options, command: Command) => {
      const { create } = await import("../commands.ts");
      finish(await create(path, command.optsWithGlobals()));
    });
}

function addOthers(program: Command, finish: Finish): void {
  program.command("edit")
    .description("change where others are looked for")
    .argument("<TORRENT>", "torrent file")
    .addOption(
      new ListOption("--announce <ADDR>", "URL, host or host:port of a tracker", values.parseText)
        .makeOptionMandatory(),
    )
    .action(async (torrent: string, _options, command: Command) => {
      const { edit } = await import("../commands.ts");
      finish(await edit(torrent, command.optsWithGlobals()));
    });
  program.command("info")
    .description("show what is inside")
    .argument("<TORRENT>", "torrent file or magnet link")
    .option("--swarm", "ask its trackers how many peers are there")
    .option("--json", "print JSON")
    .action(async (torrent: string, _options, command: Command) => {
      const { info } = await import("../commands.ts");
      finish(await info(torrent, command.optsWithGlobals()));
    });
  program.command("check")
    .description("hash the data and say what is there")
    .argument("<TORRENT>", "torrent file")
    .option("--json", "print JSON")
    .action(async (torrent: string, _options, command: Command) => {
      const { check } = await import("../commands.ts");
      finish(await check(torrent, command.optsWithGlobals()));
    });
}

function addService(program: Command, startCommand: Command, finish: Finish): void {
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
      const { service } = await import("../service/service_command.ts");
      finish(await service(action, { ...options, home }, { words, command: startCommand }));
    });
}
