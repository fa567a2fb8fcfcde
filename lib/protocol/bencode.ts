/**
 * Bencoding (BEP 3): a strict check of our own in front of `npm:bencode`.
 *
 * The library alone accepts truncated strings, doubled keys, `i-0e`, `i03e` and trailing bytes, overflows the
 * stack on deep nesting and lets a `__proto__` key through. A value that passes `checkBencode` has none of these.
 * We read keys out of order, as other clients do, and always write them sorted.
 */
import library from "bencode";
import { ProtocolError } from "../errors.ts";
import { fromByteString, fromUtf8, joinBytes, toByteString } from "./bytes.ts";
import { finish, type Steps } from "./steps.ts";

export type BencodeValue = number | Uint8Array | BencodeValue[] | BencodeDictionary;
export type BencodeDictionary = { [key: string]: BencodeValue };

/** A value for `encode`, which writes texts as UTF-8 and leaves out members that are undefined. */
export type Encodable =
  | number
  | string
  | Uint8Array
  | readonly Encodable[]
  | { readonly [key: string]: Encodable | undefined };

/** What a bencoded value may contain at most. */
export interface BencodeLimits {
  /** Nested lists and dictionaries. */
  readonly depth: number;
  /** Strings, numbers, lists and dictionaries together. */
  readonly values: number;
}

/** Limits for a message between peers or from a tracker; torrents have limits of their own. */
export const MESSAGE_LIMITS: BencodeLimits = { depth: 16, values: 20_000 };

const DICTIONARY = 0x64, LIST = 0x6c, INTEGER = 0x69, END = 0x65, COLON = 0x3a, MINUS = 0x2d;
/** Values that `walkBencode` passes between two pauses. */
const VALUES_PER_STEP = 4_096;
/** Longest key, in characters, that `plainText` reads. */
const LONGEST_PLAIN_TEXT = 32;
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;

/** One list or dictionary that the walk of `walkBencode` has entered and not left. */
interface Level {
  /** Keys seen so far, as the library names them; undefined for a list. */
  keys?: Set<string>;
  /** Key whose value comes next; undefined when a key comes next, and in a list. */
  key: string | undefined;
  /** Offset at which that value starts. */
  valueStart: number;
}

/** Result of `checkBencode`: where the value ends and, for a dictionary, each member's encoded bytes. */
interface CheckedBencode {
  /** Offset behind the value, in bytes. */
  readonly end: number;
  /** Members of the outermost dictionary by key (one character a byte), as borrowed views; empty otherwise. */
  readonly members: Map<string, Uint8Array>;
  /** Number of strings, numbers, lists and dictionaries in the value, without keys. */
  readonly values: number;
}

/**
 * Walks one value at the start of `bytes` without recursion.
 *
 * Errors: `ProtocolError` when it is malformed or exceeds `limits`. Bytes behind the value are left alone.
 */
export function checkBencode(bytes: Uint8Array, limits: BencodeLimits): CheckedBencode {
  return finish(walkBencode(bytes, limits));
}

/** Does the same with pauses, for values that may be large. */
export function* walkBencode(bytes: Uint8Array, limits: BencodeLimits): Steps<CheckedBencode> {
  const members = new Map<string, Uint8Array>();
  const levels: Level[] = [];
  let offset = 0;
  let values = 0;

  const fail = (what: string): never => {
    throw new ProtocolError(`Malformed bencoding at byte ${offset}: ${what}`);
  };
  /** Moves `offset` behind a string and returns where its contents start. */
  const passString = (): number => {
    let length = 0;
    const first = offset;
    while (offset < bytes.length && isDigit(bytes[offset])) {
      length = length * 10 + (bytes[offset++] - 0x30);
      if (length > bytes.length) fail("a string is longer than what is there");
    }
    if (offset === first || bytes[offset] !== COLON) fail("expected a string");
    if (offset - first > 1 && bytes[first] === 0x30) fail("a string length begins with zero");
    const start = ++offset;
    if (start + length > bytes.length) fail("a string is longer than what is there");
    offset += length;
    return start;
  };
  const passInteger = (): void => {
    const sign = bytes[++offset] === MINUS ? -1 : 1;
    if (sign < 0) offset++;
    const first = offset;
    let magnitude = 0;
    while (isDigit(bytes[offset])) {
      magnitude = magnitude * 10 + (bytes[offset++] - 0x30);
      if (magnitude > Number.MAX_SAFE_INTEGER) fail("a number is beyond 2^53");
    }
    if (offset === first || bytes[offset] !== END) fail("expected a number");
    if (bytes[first] === 0x30 && (offset - first > 1 || sign < 0)) fail("a number begins with zero");
    offset++;
  };

  do {
    const level = levels.at(-1);
    if (offset >= bytes.length) fail("it ends too early");
    if (level !== undefined && bytes[offset] === END && level.key === undefined) {
      offset++;
      levels.pop();
    } else if (level?.keys !== undefined && level.key === undefined) {
      const start = passString();
      const plain = plainText(bytes, start, offset);
      const key = plain ?? toByteString(bytes.subarray(start, offset));
      const name = plain ?? libraryName(bytes.subarray(start, offset));
      if (name === "__proto__") fail("a key is not allowed");
      if (level.keys.has(name)) fail("a key stands twice");
      level.keys.add(name);
      level.key = key;
      level.valueStart = offset;
      continue;
    } else {
      if (++values > limits.values) fail(`more than ${limits.values} values`);
      if (values % VALUES_PER_STEP === 0) yield;
      const type = bytes[offset];
      if (type === DICTIONARY || type === LIST) {
        if (levels.length >= limits.depth) fail(`nested deeper than ${limits.depth}`);
        const opened: Level = { key: undefined, valueStart: 0 };
        if (type === DICTIONARY) opened.keys = new Set();
        levels.push(opened);
        offset++;
        continue;
      }
      if (type === INTEGER) passInteger();
      else passString();
    }
    // A value has just ended: in a dictionary, the next thing is a key again.
    const parent = levels.at(-1);
    if (parent?.key !== undefined) {
      if (levels.length === 1) members.set(parent.key, bytes.subarray(parent.valueStart, offset));
      parent.key = undefined;
    }
  } while (levels.length > 0);
  return { end: offset, members, values };
}

/** One item of an encoded list. */
export interface EncodedItem extends CheckedBencode {
  /** The item itself, as a borrowed view. */
  readonly bytes: Uint8Array;
}

/** The items of a well-formed encoded list, which may be iterated more than once; undefined for any other value. */
export function encodedItems(list: Uint8Array | undefined): Iterable<EncodedItem> | undefined {
  return list?.[0] === LIST ? { [Symbol.iterator]: () => itemsOf(list) } : undefined;
}

function* itemsOf(list: Uint8Array): Generator<EncodedItem> {
  const limits = { depth: Infinity, values: Infinity };
  for (let start = 1; list[start] !== END;) {
    const rest = list.subarray(start);
    const item = checkBencode(rest, limits);
    yield { ...item, bytes: rest.subarray(0, item.end) };
    start += item.end;
  }
}

/** Whether an encoded value is a dictionary. */
export function isEncodedDictionary(value: Uint8Array): boolean {
  return value[0] === DICTIONARY;
}

/** Contents of a well-formed encoded string, as a borrowed view; undefined for any other value. */
export function encodedBytes(text: Uint8Array | undefined): Uint8Array | undefined {
  return text !== undefined && isDigit(text[0]) ? text.subarray(text.indexOf(COLON) + 1) : undefined;
}

/** Reads a short ASCII text, as nearly all keys are, which is the same in every encoding; undefined for other bytes. */
function plainText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > LONGEST_PLAIN_TEXT) return undefined;
  let text = "";
  for (let position = start; position < end; position++) {
    if (bytes[position] > 0x7f) return undefined;
    text += String.fromCharCode(bytes[position]);
  }
  return text;
}

/** The library's name for a key: its text without a byte order mark, or its hex digits where it is not UTF-8. */
function libraryName(key: Uint8Array): string {
  const text = fromUtf8(key).replace(/^\uFEFF/, "");
  return text.includes("\uFFFD") ? key.toHex() : text;
}

/** The number that a well-formed encoded value holds; undefined for any other value. */
export function encodedNumber(number: Uint8Array | undefined): number | undefined {
  return number?.[0] === INTEGER ? Number(toByteString(number.subarray(1, -1))) : undefined;
}

/** Decodes exactly one value; its strings are copies. Errors: `ProtocolError`, also when bytes follow the value. */
export function decode(bytes: Uint8Array, limits: BencodeLimits = MESSAGE_LIMITS): BencodeValue {
  const { end } = checkBencode(bytes, limits);
  if (end !== bytes.length) {
    throw new ProtocolError(`Expected the end after ${end} bytes, got ${bytes.length - end} more`);
  }
  return library.decode(bytes) as BencodeValue;
}

/** Decodes one value and returns where it ends; other bytes may follow it (BEP 9 "data"). Errors: `ProtocolError`. */
export function decodePrefix(
  bytes: Uint8Array,
  limits: BencodeLimits = MESSAGE_LIMITS,
): { value: BencodeValue; end: number } {
  const { end } = checkBencode(bytes, limits);
  return { value: library.decode(bytes.subarray(0, end)) as BencodeValue, end };
}

/** Encodes a value; dictionary keys are sorted. Numbers must be whole. */
export function encode(value: Encodable): Uint8Array<ArrayBuffer> {
  return library.encode(value) as Uint8Array<ArrayBuffer>;
}

/**
 * Joins members that are already encoded into a dictionary, with its keys (one character a byte) sorted as BEP 3
 * demands. It keeps members byte for byte (an info dictionary) and allows keys that are not text (BEP 48 "files").
 */
export function encodeMembers(members: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [Uint8Array.of(DICTIONARY)];
  for (const key of [...members.keys()].sort()) {
    parts.push(fromByteString(`${key.length}:${key}`), members.get(key)!);
  }
  parts.push(Uint8Array.of(END));
  return joinBytes(parts);
}

/** Whether a decoded value is a dictionary. */
export function isDictionary(value: BencodeValue | undefined): value is BencodeDictionary {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** The number under a key of a dictionary; undefined where there is none. */
export function numberIn(dictionary: BencodeDictionary, key: string): number | undefined {
  const value = Object.hasOwn(dictionary, key) ? dictionary[key] : undefined;
  return typeof value === "number" ? value : undefined;
}

/** The byte string under a key of a dictionary; undefined where there is none. */
export function bytesIn(dictionary: BencodeDictionary, key: string): Uint8Array | undefined {
  const value = Object.hasOwn(dictionary, key) ? dictionary[key] : undefined;
  return value instanceof Uint8Array ? value : undefined;
}

/** The list under a key of a dictionary; undefined where there is none. */
export function listIn(dictionary: BencodeDictionary, key: string): BencodeValue[] | undefined {
  const value = Object.hasOwn(dictionary, key) ? dictionary[key] : undefined;
  return Array.isArray(value) ? value : undefined;
}

/** The dictionary under a key of a dictionary; undefined where there is none. */
export function dictionaryIn(dictionary: BencodeDictionary, key: string): BencodeDictionary | undefined {
  const value = Object.hasOwn(dictionary, key) ? dictionary[key] : undefined;
  return isDictionary(value) ? value : undefined;
}
