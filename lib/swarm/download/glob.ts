/**
 * Globs of file names. Special are `*`, `**`, `?`, `[a-z]`, `{a,b}` and `\`, nothing else: names of films and albums
 * are full of what other matchers take for groups, repetitions and negations.
 *
 *   *       any characters but `/`          [a-z]   one of these characters; after `!` or `^`: another one
 *   **      as a whole step: any steps      {a,b}   the one or the other, which may be globs
 *   ?       one character but `/`           \       takes the next character as it is
 *
 * A bracket without its counterpart is a character as any other.
 */

/** What a glob matches, as a function of a whole path. Letters with accents match however they are composed. */
export function globMatcher(glob: string): (path: string) => boolean {
  const pattern = new RegExp(`^${patternOf([...glob.normalize("NFC")])}$`, "su");
  return (path) => pattern.test(path.normalize("NFC"));
}

/** The regular expression of a glob, which is given as its characters. */
function patternOf(glob: readonly string[]): string {
  let pattern = "";
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at];
    switch (character) {
      case "*": {
        const start = at;
        while (glob[at + 1] === "*") at++;
        const isStep = at > start && isBorder(glob[start - 1]) && isBorder(glob[at + 1]);
        if (!isStep) pattern += "[^/]*";
        else if (glob[at + 1] === undefined) pattern += ".*";
        else {
          pattern += "(?:[^/]+/)*";
          at++;
        }
        break;
      }
      case "?":
        pattern += "[^/]";
        break;
      case "[": {
        const end = endOfClass(glob, at);
        if (end === undefined) pattern += "\\[";
        else {
          pattern += classOf(glob.slice(at + 1, end));
          at = end;
        }
        break;
      }
      case "{": {
        const { choices, end } = choicesOf(glob, at);
        if (end === undefined || choices.length < 2) pattern += "\\{";
        else {
          pattern += `(?:${choices.map(patternOf).join("|")})`;
          at = end;
        }
        break;
      }
      case "\\":
        if (at + 1 < glob.length) at++;
        pattern += literal(glob[at]);
        break;
      default:
        pattern += literal(character);
    }
  }
  return pattern;
}

/** Whether a step of a path ends here; undefined: the glob begins or ends. */
function isBorder(character: string | undefined): boolean {
  return character === undefined || character === "/";
}

function literal(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/** Where the class that begins at `start` ends; undefined when it does not. A `]` that comes first belongs to it. */
function endOfClass(glob: readonly string[], start: number): number | undefined {
  const isNegated = glob[start + 1] === "!" || glob[start + 1] === "^";
  const first = start + (isNegated ? 2 : 1);
  for (let at = first; at < glob.length; at++) {
    if (glob[at] === "]" && at > first) return at;
    if (glob[at] === "\\") at++;
  }
}

/** The pattern of a class, from what stands between its brackets. A range that runs backwards is empty. */
function classOf(content: readonly string[]): string {
  const isNegated = content[0] === "!" || content[0] === "^";
  const members: string[] = [];
  let at = isNegated ? 1 : 0;
  const next = () => {
    if (content[at] === "\\" && at + 1 < content.length) at++;
    return content[at++];
  };
  while (at < content.length) {
    const first = next();
    const isRange = content[at] === "-" && at + 1 < content.length;
    if (isRange) at++;
    const last = isRange ? next() : first;
    if (first.codePointAt(0)! <= last.codePointAt(0)!) members.push(`${literal(first)}-${literal(last)}`);
  }
  return `(?!/)[${isNegated ? "^" : ""}${members.join("")}]`;
}

/** What stands between the braces that open at `start`, and where they close; `end` is undefined when they do not. */
function choicesOf(glob: readonly string[], start: number): { choices: string[][]; end: number | undefined } {
  const choices: string[][] = [[]];
  let depth = 0;
  for (let at = start + 1; at < glob.length; at++) {
    const character = glob[at];
    if (character === "}" && depth === 0) return { choices, end: at };
    if (character === "," && depth === 0) {
      choices.push([]);
      continue;
    }
    if (character === "{") depth++;
    if (character === "}") depth--;
    choices.at(-1)!.push(character);
    if (character === "\\" && at + 1 < glob.length) choices.at(-1)!.push(glob[++at]);
  }
  return { choices, end: undefined };
}
