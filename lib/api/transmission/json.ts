/** JSON from a client that may be hostile: measured before it is parsed. */
import { RPC } from "../../settings.ts";
import { RpcError } from "./rpc_error.ts";

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object of JSON; members that are undefined are left out of what is sent. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** Quotes, brackets and commas: everything that begins, ends or separates values, and strings, which may hold them. */
const MARKS = /["[\]{},]/g;

/**
 * Parses a whole body. The parser of the runtime takes seconds for brackets that are nested a million times, so the
 * depth and the number of values are found out before. Errors: `RpcError`.
 */
export function parseJson(bytes: Uint8Array): Json {
  const text = decoded(bytes);
  refuseTooMuch(text);
  try {
    return JSON.parse(text);
  } catch {
    throw new RpcError("parse");
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RpcError("parse");
  }
}

function refuseTooMuch(text: string): void {
  let depth = 0;
  let values = 0;
  MARKS.lastIndex = 0;
  for (let mark = MARKS.exec(text); mark !== null; mark = MARKS.exec(text)) {
    const [character] = mark;
    if (character === '"') MARKS.lastIndex = endOfString(text, mark.index);
    else if (character === "]" || character === "}") depth--;
    else values++;
    if (character === "[" || character === "{") depth++;
    if (depth > RPC.maxDepth) {
      throw new RpcError("parse", `Expected JSON at most ${RPC.maxDepth} deep, got more`);
    }
    if (values > RPC.maxValues) {
      throw new RpcError("parse", `Expected at most ${RPC.maxValues} values, got more`);
    }
  }
}

/** The index behind the quote that ends the string that begins at `start`; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1;; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}

/** Whether a value is an object, not an array. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
