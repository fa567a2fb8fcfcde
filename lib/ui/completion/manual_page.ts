import { EXAMPLES, GROUPS } from "../help.ts";
import type { CommandShape } from "./command_shapes.ts";

/** The manual page in the format of `man` (roff). `version` is that of the program. */
export function manualPage(commands: readonly CommandShape[], version: string): string {
  const lines = [
    `.TH PEER 1 "" "peer ${version}" "User Commands"`,
    ".SH NAME",
    "peer \\- copies files to every machine of a local network",
    ".SH SYNOPSIS",
    ...commands.flatMap(({ name, usage }) => [
      `.B peer ${name === "start" ? "[start]" : name}`,
      escaped(usage),
      ".br",
    ]),
    ".SH DESCRIPTION",
    escaped(
      "Each machine runs peer with the same torrent. One machine has the data; all others get a verified copy, take " +
        "it from one another, and go on sharing it. Each process is BitTorrent client, server and tracker at once.",
    ),
    ".SH EXAMPLES",
    ...EXAMPLES.flatMap(({ command, meaning }) => [".TP", `.B ${escaped(command)}`, escaped(meaning)]),
  ];
  for (const group of Object.values(GROUPS)) {
    lines.push(`.SH ${escaped(group.toUpperCase())}`);
    for (
      const { name, usage, description, options } of commands.filter((command) => command.group === group)
    ) {
      lines.push(`.SS peer ${name} ${escaped(usage)}`, escaped(`${sentence(description)}`));
      for (const { flags, description } of options) {
        lines.push(".TP", `.B ${escaped(flags)}`, escaped(sentence(description)));
      }
    }
  }
  lines.push(
    ".SH FILES",
    ...FILES.flatMap(([path, meaning]) => [".TP", `.I ${escaped(path)}`, escaped(meaning)]),
  );
  lines.push(
    ".SH EXIT STATUS",
    ...EXIT_CODES.flatMap(([code, meaning]) => [".TP", `.B ${code}`, escaped(meaning)]),
  );
  return `${lines.join("\n")}\n`;
}

const FILES: readonly (readonly [path: string, meaning: string])[] = [
  [
    "torrents/",
    "The .torrent files of the home folder, which is the current one unless --home names another.",
  ],
  ["shareable/", "Complete data: what is shared, and where finished downloads end up."],
  ["state/", "What is remembered, unfinished files, and the control socket of the running peer."],
  ["peer.toml", "May set every option of start by its long name."],
];

const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, "Done; also a clean stop by Ctrl-C or SIGTERM."],
  [1, "It could not be done, or no peer is running."],
  [2, "Wrong usage, also in peer.toml."],
  [3, "A torrent cannot be read, is malformed, or is unsafe."],
  [130, "A second Ctrl-C while it was stopping."],
];

function sentence(text: string): string {
  return text === "" ? "" : `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** A text on one line of roff, in which backslashes, dashes and leading dots and quotes have no meaning. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}
