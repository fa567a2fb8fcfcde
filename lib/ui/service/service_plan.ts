/** What a service is to run, and what has to be done for it on a system. */

/** A service as the user wants it. */
export interface ServiceSetup {
  /** The words that start the program, first an absolute path. */
  readonly program: readonly string[];
  /** Arguments of the program. Files in them have absolute paths. */
  readonly args: readonly string[];
  /** The folder the service works in; an absolute path. */
  readonly home: string;
  /** Whether it runs for the whole machine, from its start on; else for this user, from the login on. */
  readonly isSystem: boolean;
}

/** A file that makes the service known. */
export interface ServiceFile {
  readonly path: string;
  readonly text: string;
  /** Windows' scheduler reads UTF-16 with a mark, everybody else UTF-8. */
  readonly isUtf16?: boolean;
}

/** The files of a service, and the command for a shell (on Windows the Command Prompt) that does what this program may not do itself. */
export interface ServicePlan {
  readonly files: readonly ServiceFile[];
  /** Makes the system know the service, and starts it. */
  readonly enable: string;
  /** Stops the service, and makes the system forget it. */
  readonly disable: string;
  /** Shows how it fares. */
  readonly look: string;
}

/** The folder that a service for the whole machine works in where the user names none. */
export function systemHome(os: typeof Deno.build.os): string {
  return os === "windows" ? "C:\\ProgramData\\peer" : "/var/lib/peer";
}

/** A word for a POSIX shell, in quotes. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Text as it stands in XML. */
export function xmlText(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => names[character]);
}
