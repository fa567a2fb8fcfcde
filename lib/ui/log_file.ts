import { messageOf } from "../errors.ts";
import { EXIT, Failure } from "./failure.ts";
import { lineWriter } from "./output.ts";

/**
 * A writer of lines to the end of a file, which is made where it does not exist. It never fails later: `tell` gets a line
 * for people when lines begin to be lost. Errors: `Failure` when the file cannot be opened.
 */
export function openLogFile(path: string, tell: (line: string) => void): (line: string) => void {
  const file = openAtEnd(path);
  return lineWriter(
    (line) => {
      const bytes = new TextEncoder().encode(`${line}\n`);
      for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
    },
    (reason) => tell(`peer: ${path}: Cannot write it: ${reason}; the transfer goes on`),
  );
}

function openAtEnd(path: string): Deno.FsFile {
  try {
    const file = Deno.openSync(path, { append: true, create: true });
    // Windows opens a folder too, and fails at the first line.
    if (file.statSync().isDirectory) throw new Error("it is a folder");
    return file;
  } catch (error) {
    throw new Failure(EXIT.failed, path, `Cannot open the log file: ${messageOf(error)}`, { cause: error });
  }
}
