/**
 * Addresses that the user blocks (`--ip-filter FILE`).
 *
 * Formats, line by line and mixed at will: one address, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`; eMule's
 * `010.000.000.000 - 010.255.255.255 , 100 , name`, where a level above 127 means allowed; PeerGuardian's text
 * form `name:10.0.0.1-10.0.0.9`. IPv6 alike. Lines that begin with `#`, `;` or `//` are comments.
 */
import type { Logger } from "../../log.ts";
import { addressBytes, canonicalAddress } from "../../protocol/endpoint.ts";
import { IP_FILTER } from "../../settings.ts";

/** Ranges of addresses of one family, sorted and apart from each other; both ends are included. */
interface Ranges<Value> {
  readonly firsts: readonly Value[];
  readonly lasts: readonly Value[];
}

/** Highest level in eMule's format that still means blocked. */
const BLOCKED_LEVEL = 127;
const COMMENT = /^(#|;|\/\/|$)/;

type Range = readonly [first: bigint, last: bigint];

/** A set of addresses. */
export class IpFilter {
  /** Numbers of the lines that could not be read, counted from 1. */
  readonly malformedLines: readonly number[];
  readonly #v4: Ranges<number>;
  readonly #v6: Ranges<bigint>;

  /** Reads a list; malformed lines are noted and left out. */
  constructor(text: string) {
    const ranges: Record<4 | 6, Range[]> = { 4: [], 6: [] };
    const malformed: number[] = [];
    text.split(/\r\n|\n|\r/).forEach((raw, position) => {
      const line = raw.trim();
      if (COMMENT.test(line)) return;
      const range = line.length > IP_FILTER.maxLineLength ? undefined : readLine(line);
      if (range === undefined) malformed.push(position + 1);
      else if (range !== "allowed") ranges[range.family].push([range.first, range.last]);
    });
    this.malformedLines = malformed;
    const v4 = merged(ranges[4]);
    this.#v4 = { firsts: v4.firsts.map(Number), lasts: v4.lasts.map(Number) };
    this.#v6 = merged(ranges[6]);
  }

  /** Number of separate ranges. */
  get size(): number {
    return this.#v4.firsts.length + this.#v6.firsts.length;
  }

  /** Whether a canonical address is in the set. */
  has(address: string): boolean {
    const parsed = readAddress(address);
    if (parsed === undefined) return false;
    return parsed.family === 4 ? covers(this.#v4, Number(parsed.value)) : covers(this.#v6, parsed.value);
  }
}

/**
 * Reads the user's list from a file and logs its malformed lines.
 *
 * Errors: `RangeError` for a file that is too large; those of `Deno` when the file cannot be read.
 */
export async function loadIpFilter(path: string, log: Logger): Promise<IpFilter> {
  const { size } = await Deno.stat(path);
  if (size > IP_FILTER.maxFileBytes) {
    throw new RangeError(`Expected an address list of at most ${IP_FILTER.maxFileBytes} bytes, got ${size}`);
  }
  const filter = new IpFilter(await Deno.readTextFile(path));
  const { malformedLines } = filter;
  if (malformedLines.length > 0) {
    const shown = malformedLines.slice(0, IP_FILTER.maxReported).join(", ");
    const more = malformedLines.length > IP_FILTER.maxReported ? ", …" : "";
    log.warn(`Ignored ${malformedLines.length} malformed lines of ${path}: ${shown}${more}`);
  }
  log.info(`Address filter of ${filter.size} ranges from ${path}`);
  return filter;
}

interface FamilyRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads one line; undefined when it is malformed. */
function readLine(line: string): FamilyRange | "allowed" | undefined {
  const [addresses, level] = line.split(",", 2);
  if (level !== undefined && Number(level) > BLOCKED_LEVEL) return "allowed";
  const range = readRange(addresses);
  if (range !== undefined) return range;
  // The name before the range may contain colons itself, so the range is tried behind each of them.
  for (let colon = line.indexOf(":"); colon >= 0; colon = line.indexOf(":", colon + 1)) {
    const named = readRange(line.slice(colon + 1));
    if (named !== undefined) return named;
  }
}

function readRange(text: string): FamilyRange | undefined {
  const [, first, last] = /^\s*([^\s-]+)\s*-\s*([^\s-]+)\s*$/.exec(text) ?? [];
  if (first !== undefined) {
    const [from, to] = [readAddress(first), readAddress(last)];
    if (from === undefined || to === undefined || from.family !== to.family || from.value > to.value) {
      return undefined;
    }
    return { family: from.family, first: from.value, last: to.value };
  }
  const [, address, prefix] = /^\s*([^\s/]+)(?:\/(\d{1,3}))?\s*$/.exec(text) ?? [];
  const parsed = address === undefined ? undefined : readAddress(address);
  if (parsed === undefined) return undefined;
  const bits = parsed.family === 4 ? 32 : 128;
  if (Number(prefix ?? bits) > bits) return undefined;
  const hostBits = BigInt(bits - Number(prefix ?? bits));
  const start = parsed.value >> hostBits << hostBits;
  return { family: parsed.family, first: start, last: start | (1n << hostBits) - 1n };
}

/** An address as a number. Leading zeros, as eMule writes them, are decimal; an IPv6 zone is left out. */
function readAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (v4 !== undefined) {
    if (v4.some((byte) => byte > 255)) return undefined;
    return { family: 4, value: BigInt(v4.reduce((value, byte) => value * 256 + byte)) };
  }
  const address = text.includes(":") ? canonicalAddress(text) : undefined;
  if (address === undefined) return undefined;
  if (!address.includes(":")) return readAddress(address);
  const value = addressBytes(address).reduce((value, byte) => value << 8n | BigInt(byte), 0n);
  return { family: 6, value };
}

/** Sorts ranges and joins those that overlap or touch. */
function merged(ranges: Range[]): Ranges<bigint> {
  ranges.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const firsts: bigint[] = [];
  const lasts: bigint[] = [];
  for (const [first, last] of ranges) {
    const previous = lasts.at(-1);
    if (previous === undefined || first > previous + 1n) {
      firsts.push(first);
      lasts.push(last);
    } else if (last > previous) {
      lasts[lasts.length - 1] = last;
    }
  }
  return { firsts, lasts };
}

/** Whether one of the ranges contains the value, by bisection. */
function covers<Value extends number | bigint>({ firsts, lasts }: Ranges<Value>, value: Value): boolean {
  let low = 0, high = firsts.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (value < firsts[middle]) high = middle - 1;
    else if (value > lasts[middle]) low = middle + 1;
    else return true;
  }
  return false;
}
