/** Results as text, with their names as a dialect writes them. Results are made by us, so they are not deep. */
import type { Json } from "./json.ts";
import { type Dialect, writtenName } from "./names.ts";

/** A part of a result that is text already, because it was too long to be written in one go. */
export class WrittenJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The result of a method, or a part of it. */
export type Result = Json | WrittenJson | readonly Result[] | ResultObject;

/** An object in a result; members that are undefined are left out. */
export interface ResultObject {
  readonly [name: string]: Result | undefined;
}

/** Writes names as `dialect` does in answers to `method`. */
export function inDialect(value: Result, dialect: Dialect, method: string): Result {
  if (dialect === "json-rpc" || typeof value !== "object" || value === null || value instanceof WrittenJson) {
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => inDialect(item, dialect, method));
  const object: Record<string, Result> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) object[writtenName(name, dialect, method)] = inDialect(member, dialect, method);
  }
  return object;
}

/** The JSON of a result. */
export function textOf(value: Result): string {
  if (value instanceof WrittenJson) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  const members = Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : [`${JSON.stringify(name)}:${textOf(member)}`]
  );
  return `{${members.join()}}`;
}
