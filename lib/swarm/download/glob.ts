/**
 * Globs of file names. Only `*`, `**`, `?`, `[a-z]`, `{a,b}` and `\` are special: names of films and albums are full of
 * characters that other matchers take for groups, repetitions and negations.
 *
 *   *       any characters except `/`         [a-z]   one of these characters; after `!` or `^` any other one
 *   **      any folders, between slashes      {a,b}   one of these globs
 *   ?       one character except `/`          \       the next character is not special
 *
 * A bracket without its counterpart is not special.
 */

/** Makes a function that says whether a whole path matches the glob. It ignores how accented letters are composed. */
export function globMatcher(glob: string): (path: string) => boolean {
  const pattern = new RegExp(`^${patternOf([...glob.normalize("NFC")])}$`, "su");
  return (path) => pattern.test(path.normalize("NFC"));
}

/** The regular expression for a glob, which is given as its characters. */
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

/** Whether a step of a path ends at this character. Undefined stands for the beginning or end of the glob. */
function isBorder(character: string | undefined): boolean {
  return character === undefined || character === "/";
}

function literal(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/**
 * Finds the end of the class that begins at `start`; undefined without one. A `]` that comes first belongs to the
 * class.
 */
function endOfClass(glob: readonly string[], start: number): number | undefined {
  const isNegated = glob[start + 1] === "!" || glob[start + 1] === "^";
  const first = start + (isNegated ? 2 : 1);
  for (let at = first; at < glob.length; at++) {
    if (glob[at] === "]" && at > first) return at;
    if (glob[at] === "\\") at++;
  }
}

/** The pattern for a class, whose `content` stands between the brackets. A range that runs backwards is empty. */
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

/** The choices between the braces that open at `start`, and where they close; `end` is undefined if they do not. */
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
