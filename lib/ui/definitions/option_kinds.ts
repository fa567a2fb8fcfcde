/** The kinds of option that the commands have. Each turns a text into a value or a usage failure. */
import { Option } from "commander";
import { didYouMean } from "../did_you_mean.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { oneOf } from "../option_values.ts";

/** Hears the exit code of the command that ran. */
export type Finish = (code: ExitCode) => void;

/** Makes the text that follows a failure about a value. */
type Hint = (text: string) => string;

/** An option that takes one of some words. */
export class WordOption extends Option {
  readonly words: readonly string[];

  constructor(flags: string, description: string, words: readonly string[]) {
    super(flags, `${description}${words.join(", ")}`);
    this.words = words;
    this.argParser((text) => parseOrFail(this, oneOf(words), text, () => didYouMean(text, words)));
  }
}

/** An option that may be given several times; its value is the list. */
export class ListOption<Value> extends Option {
  constructor(flags: string, description: string, parse: (text: string) => Value) {
    super(flags, `${description} (repeatable)`);
    this.argParser((text, earlier: Value[] | undefined) => [
      ...(earlier ?? []),
      parseOrFail(this, parse, text),
    ]);
  }
}

/** Whether the value of an option is a path. */
export function isPathOption({ flags }: Option): boolean {
  return /<(FILE|DIR|PATH)>/.test(flags);
}

/**
 * An option whose value `parse` makes. A `RangeError` of `parse` becomes a usage failure that names the option and ends
 * with the hint.
 */
export function option<Value>(
  flags: string,
  description: string,
  parse: (text: string) => Value,
  hint?: Hint,
): Option {
  const option = new Option(flags, description);
  return option.argParser((text) => parseOrFail(option, parse, text, hint));
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
