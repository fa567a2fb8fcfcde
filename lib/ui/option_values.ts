/**
 * Turns texts of the command line into values. Every parser throws `RangeError` with one sentence, "Expected X, got Y".
 *
 * Numbers are plain decimal digits: other forms that `Number()` takes (`0x10`, `1e3`, blanks) are more likely a slip.
 */
import { isIP } from "node:net";
import { PORTS } from "../settings.ts";

const PREFIX_POWER: Record<string, number> = { "": 0, K: 1, M: 2, G: 3 };
const MIN_PIECE_LENGTH = 16 * 1024;
const MAX_PIECE_LENGTH = 64 * 1024 * 1024;
/** The longest time on the command line, about 11 days: timers of the platform hold for 24 days at most. */
const MAX_SECONDS = 1_000_000;

/** Errors: `RangeError`, always. */
export function refuse(expected: string, text: string): never {
  throw new RangeError(`Expected ${expected}, got ${JSON.stringify(text)}`);
}

/** Any text, but not a blank one. */
export function parseText(text: string): string {
  return text.trim() === "" ? refuse("a text", text) : text;
}

/** A whole number from `min` to `max`. */
export function parseWhole(text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : refuse(`a whole number from ${min} to ${max}`, text);
}

/** A port to listen on; 0 stands for any free port. */
export function parsePort(text: string): number {
  return parseWhole(text, 0, 65535);
}

/** The number of slots or sources of one torrent. */
export function parseCount(text: string): number {
  return parseWhole(text, 1, 1000);
}

function parseSeconds(text: string): number | undefined {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  return seconds <= MAX_SECONDS ? seconds : undefined;
}

/** A time of 0 or more, given in seconds, in milliseconds. */
export function parseDuration(text: string): number {
  const seconds = parseSeconds(text);
  return seconds === undefined ? refuse(`0 to ${MAX_SECONDS} seconds`, text) : seconds * 1000;
}

/** A time above 0, given in seconds, in milliseconds. */
export function parseInterval(text: string): number {
  const seconds = parseSeconds(text);
  return seconds ? seconds * 1000 : refuse(`more than 0 and at most ${MAX_SECONDS} seconds`, text);
}

const UNIT_MS: Record<string, number> = { "": 1_000, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time above 0 such as `90`, `90s`, `10m`, `1h` or `2d`, in milliseconds. */
export function parseTimeout(text: string): number {
  const [, number = "0", unit = ""] = /^(\d{1,9}(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
  const time = Number(number) * UNIT_MS[unit];
  return time > 0 && time <= MAX_SECONDS * 1_000
    ? Math.ceil(time)
    : refuse("a time such as 90s, 10m or 1h", text);
}

/** A number of machines. */
export function parseHosts(text: string): number {
  return parseWhole(text, 1, 100_000);
}

/** The bytes of `1000`, `500K` (of 1000 bytes) or `1.5MiB` (of 1024 KiB); undefined for any other text. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([KMG]?)(i?)(B?)$/i.exec(text);
  if (match === null || (match[3] !== "" && match[2] === "")) return undefined;
  const bytes = Number(match[1]) * (match[3] === "" ? 1000 : 1024) ** PREFIX_POWER[match[2].toUpperCase()];
  return Number.isSafeInteger(Math.round(bytes)) ? bytes : undefined;
}

/** A limit in bytes per second. */
export function parseRate(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes < 1) return refuse("bytes per second such as 500K, 10M or 1.5MiB", text);
  return Math.round(bytes);
}

/** Bytes that others may fill, or `half` of what is free. */
export function parseQuota(text: string): number | "half" {
  if (text === "half") return text;
  const bytes = parseBytes(text);
  return bytes === undefined ? refuse("bytes such as 500M or 20G, or half", text) : Math.round(bytes);
}

/** Sent bytes for each received one: a number above 0. */
export function parseRatio(text: string): number {
  const ratio = /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) : NaN;
  return ratio > 0 ? ratio : refuse("a number above 0 such as 1.5", text);
}

/** A piece length in bytes. */
export function parsePieceLength(text: string): number {
  const bytes = parseBytes(text) ?? 0;
  const isPowerOfTwo = Number.isInteger(Math.log2(bytes));
  if (!isPowerOfTwo || bytes < MIN_PIECE_LENGTH || bytes > MAX_PIECE_LENGTH) {
    return refuse("a power of two from 16KiB to 64MiB", text);
  }
  return bytes;
}

/** The IP address of a host, this machine or another one, without the brackets of IPv6. */
export function parseHost(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 ? refuse("an IP address", text) : bare;
}

/** `this machine has ADDRESS (INTERFACE), …`. */
export function ownAddressesText(): string {
  const addresses = Deno.networkInterfaces().map(({ address, name }) => `${address} (${name})`);
  return `this machine has ${[...new Set(addresses)].join(", ") || "none"}`;
}

/** Where the page is served. */
export interface WebPlace {
  readonly host: string;
  readonly port: number;
}

/** A port of this machine, or the address to listen on with its port. */
export function parseWeb(text: string): WebPlace {
  const [, host = "127.0.0.1", port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ??
    refuse("PORT or ADDRESS:PORT", text);
  return { host: host === "localhost" ? "127.0.0.1" : parseHost(host), port: parsePort(port) };
}

/** `HOST:PORT` of another peer, with an IPv6 address in brackets; a text without a port gets the first one of peers. */
export function parsePeer(text: string): string {
  const match = /^(?:\[([^\]]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text);
  const isHost = match !== null && (match[1] === undefined || isIP(match[1]) === 6);
  const port = Number(match?.[3] ?? PORTS.peer.first);
  if (!isHost || port < 1 || port > 65535) return refuse("HOST:PORT", text);
  return match[3] === undefined ? `${text}:${port}` : text;
}

/** The URL of a web seed. */
export function parseWebSeed(text: string): string {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : refuse("an http or https URL", text);
}

/** A parser that takes one of some words. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => words.find((word) => word === text) ?? refuse(`one of ${words.join(", ")}`, text);
}
