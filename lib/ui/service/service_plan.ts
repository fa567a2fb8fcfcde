/** The plan of a service: its files, and the commands that put it to work on a system. */

/** The actions of `peer service`. */
export const SERVICE_ACTIONS = ["install", "status", "remove"] as const;
export type ServiceAction = typeof SERVICE_ACTIONS[number];

/** The service that the user wants. */
export interface ServiceSetup {
  /** The words that start the program; the first is an absolute path. */
  readonly program: readonly string[];
  /** Arguments of the program, with absolute paths. */
  readonly args: readonly string[];
  /** The absolute path of the folder in which the service works. */
  readonly home: string;
  /** Whether the service starts with the machine; if not, it starts when this user logs on. */
  readonly isSystem: boolean;
}

/** A file that describes the service to the system. */
export interface ServiceFile {
  readonly path: string;
  readonly text: string;
  /** True for Windows' scheduler, which reads UTF-16 with a byte order mark; other systems read UTF-8. */
  readonly isUtf16?: boolean;
}

/**
 * The files of a service, and the commands for steps that this program may not take itself. The commands are for a
 * shell, and on Windows for the Command Prompt.
 */
export interface ServicePlan {
  readonly files: readonly ServiceFile[];
  /** Registers the service with the system, and starts it. */
  readonly enable: string;
  /** Stops the service, and removes it from the system. */
  readonly disable: string;
  /** Shows the state of the service. */
  readonly look: string;
}

/** The folder of a service for the whole machine where the user names none. */
export function systemHome(os: typeof Deno.build.os): string {
  return os === "windows" ? "C:\\ProgramData\\peer" : "/var/lib/peer";
}

/** A word for a POSIX shell, in quotes. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A text with the characters escaped that have a meaning in XML. */
export function xmlText(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => names[character]);
}
