import { printable } from "./protocol/printable.ts";
import { withoutSecrets } from "./protocol/secrets.ts";

export { printable };

/** How much the log tells, from least to most. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Where log lines go. The logger, not its callers, cleans texts from outside and leaves out the secrets in URLs. */
export interface Logger {
  error(text: string): void;
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
}

/**
 * Creates a logger that hands each line, without control characters and without the secrets in URLs, to `write`
 * (standard error by default).
 */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void = (line) => console.error(line),
): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const lineWriter = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) > threshold) return () => {};
    return (text: string) => write(`${new Date().toISOString()} ${name} ${withoutSecrets(printable(text))}`);
  };
  return {
    error: lineWriter("error"),
    warn: lineWriter("warn"),
    info: lineWriter("info"),
    debug: lineWriter("debug"),
  };
}

/** A logger that says nothing, for tests and for parts that run before logging is set up. */
export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
