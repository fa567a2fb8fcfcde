import { toUtf8 } from "../protocol/bytes.ts";
import type { Steps } from "../protocol/steps.ts";

/** How many items of a list are written in one step. */
const OBJECTS_PER_STEP = 1_000;
const NUMBERS_PER_STEP = 32_768;

/**
 * The JSON of an object as bytes, whose lists are written in steps: those of a torrent with 100,000 files or two million
 * pieces take longer than other work may wait. Numbers may come as a `Uint16Array`.
 */
export function* jsonInSteps(data: object): Steps<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let separator = "{";
  for (const [name, value] of Object.entries(data)) {
    if (value === undefined) continue;
    const beginning = `${separator}${JSON.stringify(name)}:`;
    separator = ",";
    if (Array.isArray(value) || value instanceof Uint16Array) {
      parts.push(toUtf8(`${beginning}[`));
      for (const part of listInSteps(value)) {
        parts.push(toUtf8(part));
        yield;
      }
      parts.push(toUtf8("]"));
    } else {
      parts.push(toUtf8(beginning + JSON.stringify(value)));
      yield;
    }
  }
  parts.push(toUtf8(separator === "{" ? "{}" : "}"));
  return parts;
}

/** The items of a list as JSON, part by part. */
function* listInSteps(list: readonly unknown[] | Uint16Array): Generator<string> {
  const step = list instanceof Uint16Array ? NUMBERS_PER_STEP : OBJECTS_PER_STEP;
  for (let at = 0; at < list.length; at += step) {
    const items = list.slice(at, at + step);
    const text = items instanceof Uint16Array ? items.join() : JSON.stringify(items).slice(1, -1);
    yield at === 0 ? text : `,${text}`;
  }
}
