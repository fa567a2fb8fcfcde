/** The commands and options of the program as plain data, from which completions and the manual page are made. */
import type { Command } from "commander";
import { isPathOption, WordOption } from "../definitions/option_kinds.ts";

/** What follows an option or a command. */
export type Following =
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Files and folders. */
  | { readonly kind: "paths" }
  /** Torrents of the running process. */
  | { readonly kind: "torrents" }
  /** A text that nobody can guess. */
  | { readonly kind: "text" };

/** An option. */
export interface OptionShape {
  /** With the dashes. */
  readonly long: string;
  /** As in the help: `--max-upload <RATE>`. */
  readonly flags: string;
  readonly description: string;
  /** Undefined for an option that takes no value. */
  readonly value: Following | undefined;
}

/** A command. */
export interface CommandShape {
  readonly name: string;
  /** Its form without its name: `[options] <TORRENT...>`. */
  readonly usage: string;
  readonly description: string;
  readonly group: string;
  readonly options: readonly OptionShape[];
  /** What its arguments are; undefined where it takes none. */
  readonly argument: Following | undefined;
}

/** Commands whose arguments are files, as those of `start`. */
const PATH_COMMANDS = ["start", "create", "edit", "info", "check", "add", "share"];

/** All commands, `start` first; `help` is one of them. */
export function commandShapes(program: Command): CommandShape[] {
  const globals = program.options.filter(({ long }) => long !== "--version").map(optionShape);
  const shapes = program.commands.map((command) => ({
    name: command.name(),
    usage: command.usage(),
    description: command.description(),
    group: command.helpGroup(),
    options: [...command.options.map(optionShape), ...globals],
    argument: argumentOf(command),
  }));
  const names = shapes.map(({ name }) => name);
  const help: CommandShape = {
    name: "help",
    usage: "[COMMAND]",
    description: "show all options of a command",
    group: shapes.at(-1)!.group,
    options: [],
    argument: { kind: "words", words: names },
  };
  return [...shapes, help];
}

function optionShape(option: Command["options"][number]): OptionShape {
  const { long, flags, description, required } = option;
  const words = option instanceof WordOption ? option.words : choicesIn(flags);
  const value: Following | undefined = !required
    ? undefined
    : words !== undefined
    ? { kind: "words", words }
    : { kind: isPathOption(option) ? "paths" : "text" };
  return { long: long!, flags, description, value };
}

/** `yes` and `no` of `--pex <yes|no>`. */
function choicesIn(flags: string): string[] | undefined {
  const [, list] = /<([a-z]+(?:\|[a-z]+)+)>/.exec(flags) ?? [];
  return list?.split("|");
}

function argumentOf(command: Command): Following | undefined {
  const [argument] = command.registeredArguments;
  // Nobody needs help with the words of a code: each is four letters.
  if (argument === undefined || command.name() === "get") return undefined;
  if (argument.argChoices !== undefined) return { kind: "words", words: argument.argChoices };
  return { kind: PATH_COMMANDS.includes(command.name()) ? "paths" : "torrents" };
}
