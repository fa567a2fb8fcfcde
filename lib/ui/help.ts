/** The help of the program, which fits on a terminal of 80 columns and 24 lines. Commands have the usual one. */
import { type Command, Help } from "commander";

/** The groups of commands, in their order in the help. */
export const GROUPS = {
  share: "Share and fetch",
  steer: "Steer it while it runs",
  look: "Look what it does",
  more: "More",
} as const;

/** Columns of the text. */
const COLUMNS = 79;

/** The first steps of most users. */
export const EXAMPLES: readonly { readonly command: string; readonly meaning: string }[] = [
  { command: "peer share film.mp4", meaning: "share it from where it lies; prints a code" },
  { command: "peer get CODE", meaning: "on other machines: get it" },
  { command: "peer", meaning: "share and fetch all in torrents/" },
  { command: "peer status", meaning: "in another terminal: what the peer does" },
];

/** The help of the whole program, or of one command. */
export function helpOf(command: Command, helper: Help): string {
  return command.parent === null
    ? programHelp(command)
    : Help.prototype.formatHelp.call(helper, command, helper);
}

function programHelp(program: Command): string {
  const width = Math.max(...Object.values(GROUPS).map((title) => title.length)) + 4;
  const groups = Object.values(GROUPS).flatMap((title) => {
    const names = program.commands.filter((command) => command.helpGroup() === title).map((each) =>
      each.name()
    );
    if (title === GROUPS.more) names.push("help");
    return wrapped(names, COLUMNS - width).map((line, at) =>
      (at === 0 ? `  ${title}` : "").padEnd(width) + line
    );
  });
  const exampleWidth = Math.max(...EXAMPLES.map(({ command }) => command.length)) + 3;
  const options = program.options.map(({ flags, description }) =>
    `  ${flags.padEnd(width - 2)}${description}`
  );
  return [
    `Usage: peer ${program.usage()}`,
    "",
    program.description(),
    "",
    "Examples:",
    ...EXAMPLES.map(({ command, meaning }) => `  ${command.padEnd(exampleWidth)}${meaning}`),
    "",
    "Commands (peer help COMMAND shows what each does, and its options):",
    ...groups,
    "",
    "Options:",
    ...options,
  ].join("\n");
}

/** Names with commas between them, as lines of at most `width` columns. */
function wrapped(names: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    const longer = last === undefined ? name : `${last}, ${name}`;
    if (last !== undefined && longer.length > width) lines.push(name);
    else lines[Math.max(0, lines.length - 1)] = longer;
  }
  return lines;
}
