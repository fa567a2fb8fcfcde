import type { CommandShape, Following } from "./command_shapes.ts";

/** The completions for fish. */
export function fishScript(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const lines = [
    "# fish completion for peer: peer completion fish > ~/.config/fish/completions/peer.fish",
    "complete -c peer -f",
    `set -l commands ${names}`,
  ];
  for (const { name, description, options, argument } of commands) {
    lines.push(
      `complete -c peer -n "not __fish_seen_subcommand_from $commands" -a ${name} -d ${quoted(description)}`,
    );
    // Where no command is named, start is meant.
    const seen = name === "start"
      ? `"not __fish_seen_subcommand_from $commands; or __fish_seen_subcommand_from start"`
      : `"__fish_seen_subcommand_from ${name}"`;
    for (const { long, description, value } of options) {
      const takes = value === undefined ? "" : ` -r ${argumentsFor(value)}`;
      lines.push(`complete -c peer -n ${seen} -l ${long.slice(2)}${takes} -d ${quoted(description)}`);
    }
    if (argument !== undefined) lines.push(`complete -c peer -n ${seen} ${argumentsFor(argument)}`);
  }
  return `${lines.join("\n")}\n`;
}

function argumentsFor(following: Following): string {
  switch (following.kind) {
    case "words":
      return `-f -a ${quoted(following.words.join(" "))}`;
    case "paths":
      return "-F";
    case "torrents":
      return `-f -a "(peer completion torrents 2>/dev/null)"`;
    case "text":
      return "-f";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
