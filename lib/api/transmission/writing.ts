/** Results as text, with their names as a dialect writes them. Results are made by us, so they are not deep. */
import type { Steps } from "../../protocol/steps.ts";
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

/** How many items of a list are written in one step. */
const ITEMS_PER_STEP = 500;

/** The JSON of an object or a list as `dialect` writes it in answers to `method`; long lists in it are written in steps. */
export function* textInSteps(
  value: ResultObject | readonly Result[],
  dialect: Dialect,
  method: string,
): Steps<string> {
  const text = (part: Result) => textOf(inDialect(part, dialect, method));
  if (Array.isArray(value)) {
    const items: string[] = [];
    for (const item of value) items.push(yield* memberInSteps(item, text));
    return `[${items.join()}]`;
  }
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    members.push(
      `${JSON.stringify(writtenName(name, dialect, method))}:${yield* memberInSteps(member, text)}`,
    );
  }
  return `{${members.join()}}`;
}

function* memberInSteps(member: Result, text: (part: Result) => string): Steps<string> {
  if (!Array.isArray(member) || member.length <= ITEMS_PER_STEP) return text(member);
  const parts: string[] = [];
  for (let at = 0; at < member.length; at += ITEMS_PER_STEP) {
    parts.push(text(member.slice(at, at + ITEMS_PER_STEP)).slice(1, -1));
    yield;
  }
  return `[${parts.join()}]`;
}
