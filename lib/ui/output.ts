/** Lines to standard output and standard error, which may be a full disk or a reader that is gone. */
import { messageOf } from "../errors.ts";
import { EXIT, Failure } from "./failure.ts";

/**
 * A writer of lines that never fails: a log that cannot be written is no reason to stop a transfer. What is lost stays
 * lost; the line after it begins anew.
 *
 * `failed` hears the reason, once until a line could be written again.
 */
export function lineWriter(
  write: (line: string) => void,
  failed: (reason: string) => void = () => {},
): (line: string) => void {
  let isTorn = false;
  return (line) => {
    try {
      write(isTorn ? `\n${line}` : line);
      isTorn = false;
    } catch (error) {
      const isNews = !isTorn;
      isTorn = true;
      if (isNews) failed(messageOf(error));
    }
  };
}

/** Writes lines of a running session to standard error, where that is possible. */
export const errorWriter = (): (line: string) => void => lineWriter((line) => console.error(line));

/** The same for standard output; that it cannot be written is told on standard error. */
export function outputWriter(): (line: string) => void {
  const tell = errorWriter();
  return lineWriter(
    (line) => console.log(line),
    (reason) => tell(`peer: standard output: Cannot write it: ${reason}; the transfer goes on`),
  );
}

/** Prints a line that a command was asked for. Errors: `Failure` when it cannot be written. */
export function printLine(line: string): void {
  try {
    console.log(line);
  } catch (error) {
    throw new Failure(EXIT.failed, "standard output", `Cannot write it: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
