import { isObject, type Json } from "./json.ts";
import { nameOf } from "./names.ts";
import { RpcError } from "./rpc_error.ts";

/**
 * The parameters of a request, by their names in the JSON-RPC dialect. Members that a method does not read are ignored,
 * as Transmission does. A member of another type than the method expects is an `RpcError`; null mostly stands for no member.
 */
export class Params {
  readonly #values = new Map<string, Json>();

  /** Errors: `RpcError` when the parameters are no object. */
  constructor(params: Json | undefined) {
    if (params === undefined || params === null) return;
    if (!isObject(params)) throw invalid("an object of parameters", params);
    for (const [name, value] of Object.entries(params)) {
      if (value !== undefined) this.#values.set(nameOf(name), value);
    }
  }

  has(name: string): boolean {
    return (this.#values.get(name) ?? null) !== null;
  }

  /** A member of any type, null included; undefined where there is none. */
  value(name: string): Json | undefined {
    return this.#values.get(name);
  }

  text(name: string): string | undefined {
    return this.#read(name, "a text", (value) => typeof value === "string" ? value : undefined);
  }

  /** A boolean, or 0 or 1, which some clients send instead. */
  flag(name: string): boolean | undefined {
    return this.#read(name, "true or false", (value) => {
      if (value === 0 || value === 1) return value === 1;
      return typeof value === "boolean" ? value : undefined;
    });
  }

  /** A number of 0 or more. */
  amount(name: string): number | undefined {
    return this.#read(name, "a number of 0 or more", (value) =>
      // A number too large for JSON's own syntax is read as infinite.
      typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : undefined);
  }

  /** A list of texts. */
  texts(name: string): readonly string[] | undefined {
    return this.#read(
      name,
      "a list of texts",
      (value) => isList(value) && value.every((item) => typeof item === "string") ? value : undefined,
    );
  }

  /** A list of whole numbers. */
  integers(name: string): readonly number[] | undefined {
    return this.#read(
      name,
      "a list of whole numbers",
      (value) =>
        isList(value) && value.every((item) => Number.isSafeInteger(item)) ? value as number[] : undefined,
    );
  }

  #read<T>(name: string, expected: string, read: (value: Json) => T | undefined): T | undefined {
    const value = this.#values.get(name);
    if (value === undefined || value === null) return undefined;
    const result = read(value);
    if (result === undefined) throw invalid(`${expected} as ${name}`, value);
    return result;
  }
}

/** Whether a value is an array. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a text is an absolute path, on this system or on Windows. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith("/") || /^[a-z]:[\\/]/i.test(path);
}

/** Longest part of a value that an error repeats, in characters. */
const SHOWN_CHARACTERS = 60;

/** An error for parameters that are not as expected. */
export function invalid(expected: string, got: Json): RpcError {
  const shown = isList(got) ? "a list" : isObject(got) ? "an object" : JSON.stringify(got);
  const short = shown.length > SHOWN_CHARACTERS ? `${shown.slice(0, SHOWN_CHARACTERS)}…` : shown;
  return new RpcError("invalid params", `Expected ${expected}, got ${short}`);
}
