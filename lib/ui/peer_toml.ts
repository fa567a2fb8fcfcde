/** Reads `peer.toml` in the home folder, which may set every option of `start` by its long name. */
import type { Command, Option } from "commander";
import { join, resolve } from "node:path";
import { messageOf } from "../errors.ts";
import { didYouMean } from "./did_you_mean.ts";
import { isPathOption, ListOption } from "./definitions/option_kinds.ts";
import { EXIT, Failure } from "./failure.ts";

/** Name of the file, in the home folder. */
const FILE_NAME = "peer.toml";
/** The longest file read: hundreds of times what all options take. */
const MAX_BYTES = 1024 * 1024;

/** Values of options by the names that commander gives them. */
type Values = Record<string, unknown>;

/**
 * The values that `peer.toml` gives to options of `command`; none where there is no such file. Paths in it are relative
 * to the home folder.
 *
 * Errors: `Failure` with exit code 2 that names the file, the line or the key, and says what was expected.
 */
export async function readPeerToml(home: string, command: Command): Promise<Values> {
  const path = join(home, FILE_NAME);
  const text = await readText(path);
  if (text === undefined) return {};
  const { parse } = await import("smol-toml");
  let table: Values;
  try {
    table = parse(text);
  } catch (error) {
    throw new Failure(EXIT.usage, path, `Expected TOML: ${oneLine(error)}`, { cause: error });
  }
  const values: Values = {};
  const setBy = new Map<string, string>();
  for (const [key, value] of Object.entries(table)) {
    const { attribute, setting } = settingOf(key, value, command, { path, home });
    const earlier = setBy.get(attribute);
    if (earlier !== undefined && values[attribute] !== setting) {
      throw new Failure(
        EXIT.usage,
        `${path}: ${key}`,
        `Expected the same as ${earlier} says, got the contrary`,
      );
    }
    setBy.set(attribute, key);
    values[attribute] = setting;
  }
  return values;
}

/** The text of the file; undefined where there is none. Errors: `Failure`. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new RangeError("Expected a file, got something else");
    if (size > MAX_BYTES) throw new RangeError(`Expected at most ${MAX_BYTES} bytes, got ${size}`);
    return new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    const why = error instanceof TypeError ? "Expected UTF-8, got other bytes" : messageOf(error);
    throw new Failure(EXIT.usage, path, why, { cause: error });
  }
}

/** The message of a `TomlError` without the picture of the line, which takes several lines. */
function oneLine(error: unknown): string {
  const [what] = messageOf(error).replace(/^Invalid TOML document: /, "").split("\n");
  const { line, column } = error as { readonly line?: number; readonly column?: number };
  return line === undefined ? what : `${what} in line ${line}, column ${column}`;
}

/** The option's name for commander and its value. Errors: `Failure` that names the key. */
function settingOf(
  key: string,
  value: unknown,
  command: Command,
  { path, home }: { readonly path: string; readonly home: string },
): { attribute: string; setting: unknown } {
  const what = `${path}: ${key}`;
  const options = new Map(command.options.map((option) => [option.long!.slice(2), option]));
  const option = options.get(key) ?? options.get(`no-${key}`);
  if (option === undefined) {
    throw new Failure(
      EXIT.usage,
      what,
      `Expected the long name of an option of start${didYouMean(key, options.keys())}`,
    );
  }
  const attribute = option.attributeName();
  try {
    if (isSwitch(option) || (value === false && options.has(`no-${key}`))) {
      if (typeof value !== "boolean") throw new RangeError(`Expected true or false, got ${kindOf(value)}`);
      return { attribute, setting: key.startsWith("no-") ? !value : value };
    }
    return { attribute, setting: parsed(option, value, home) };
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof Failure)) throw error;
    throw new Failure(EXIT.usage, what, error.message, { cause: error });
  }
}

/** Whether an option takes no value. */
function isSwitch({ required, optional }: Option): boolean {
  return !required && !optional;
}

/** The value of an option, as it would come of the command line. Errors: `RangeError`, or a `Failure` of the option. */
function parsed(option: Option, value: unknown, home: string): unknown {
  if (option instanceof ListOption) {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.reduce((earlier, each) => option.parseArg!(textOf(each), earlier), undefined) ?? [];
  }
  const setting = option.parseArg!(textOf(value), undefined);
  return isPathOption(option) ? resolve(home, String(setting)) : setting;
}

/** The text that a value would be on the command line. Errors: `RangeError` for a value without such a text. */
function textOf(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new RangeError(`Expected a text or a number, got ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return "a list";
  return value instanceof Date ? "a date" : "a table";
}
