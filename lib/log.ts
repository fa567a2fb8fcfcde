import { printable } from "./protocol/printable.ts";
import { withoutSecrets } from "./protocol/secrets.ts";

export { printable };

/** How much the log tells, from least to most. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/**
 * Where log lines go. The logger, not its callers, cleans texts from outside and leaves out the secrets in URLs.
 *
 * A line may name what it is about, such as a tracker: then the same text about the same subject is told once, and again
 * only after another text, or after `works`.
 */
export interface Logger {
  error(text: string, about?: string): void;
  warn(text: string, about?: string): void;
  info(text: string, about?: string): void;
  debug(text: string, about?: string): void;
  /** The subject does not fail (any more); tells that it works again, if a failure of it was told. */
  works(about: string): void;
}

/** Subjects whose last text is remembered: more than a process has trackers and listeners that fail at once. */
const MAX_SUBJECTS = 1_000;

/**
 * Creates a logger that hands each line, without control characters and without the secrets in URLs, to `write`
 * (standard error by default).
 */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void = (line) => console.error(line),
): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  /** The last text about each subject that fails. */
  const told = new Map<string, string>();
  const lineWriter = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) > threshold) return () => {};
    return (text: string, about?: string) => {
      if (about !== undefined) {
        if (told.get(about) === text) return;
        if (told.size >= MAX_SUBJECTS) told.delete(told.keys().next().value!);
        told.set(about, text);
      }
      write(`${localTime(new Date())} ${name} ${withoutSecrets(printable(text))}`);
    };
  };
  const info = lineWriter("info");
  return {
    error: lineWriter("error"),
    warn: lineWriter("warn"),
    info,
    debug: lineWriter("debug"),
    works: (about) => {
      if (told.delete(about)) info(`${about} works again`);
    },
  };
}

/** The time of day on this machine with its distance from UTC, as `2026-11-28T21:47:40.123+01:00` (RFC 3339). */
function localTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  if (offset === 0) return date.toISOString();
  const two = (value: number) => String(value).padStart(2, "0");
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const distance = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.floor(distance / 60))}:${two(distance % 60)}`;
}

/** A logger that says nothing, for tests and for parts that run before logging is set up. */
export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {}, works() {} };
