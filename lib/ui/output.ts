/** Writes lines to standard output and standard error, which may lead to a full disk or to a reader that has ended. */
import { messageOf } from "../errors.ts";
import { EXIT, Failure } from "./failure.ts";

/**
 * A writer of lines that never fails: a log that cannot be written is no reason to stop a transfer. A line that fails
 * is lost, and may leave a torn beginning, so the next line starts with a line break.
 *
 * `failed` gets the reason of the first failure, and then only of the first one after a line that was written.
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

/** A writer of lines to standard error that never fails. */
export const errorWriter = (): (line: string) => void => lineWriter((line) => console.error(line));

/** A writer of lines to standard output that never fails; it tells of failures on standard error. */
export function outputWriter(): (line: string) => void {
  const tell = errorWriter();
  return lineWriter(
    (line) => console.log(line),
    (reason) => tell(`peer: standard output: Cannot write it: ${reason}; the transfer goes on`),
  );
}

/** Prints a line of the result of a command. Errors: `Failure` when it cannot be written. */
export function printLine(line: string): void {
  try {
    console.log(line);
  } catch (error) {
    throw new Failure(EXIT.failed, "standard output", `Cannot write it: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
