/** Runs the program and turns what comes back into an exit code. */
import { CommanderError } from "commander";
import { messageOf } from "../errors.ts";
import { createLogger, printable } from "../log.ts";
import { EXIT, type ExitCode, Failure } from "./failure.ts";
import { errorWriter } from "./output.ts";
import { mayCloseItsWindow } from "./own_window.ts";
import { buildProgram } from "./program.ts";

/**
 * Runs the program with these arguments.
 *
 * Returns the exit code. Each failure has been told by then, in one line on standard error.
 */
export async function runCli(args: readonly string[]): Promise<ExitCode> {
  const done = new AbortController();
  const exitWith = (event: Event, thrown: unknown) => {
    event.preventDefault();
    Deno.exit(tellFailure(thrown, args));
  };
  globalThis.addEventListener("unhandledrejection", (event) => exitWith(event, event.reason), done);
  globalThis.addEventListener("error", (event) => exitWith(event, event.error), done);
  try {
    let exitCode: ExitCode = EXIT.ok;
    await buildProgram((code) => exitCode = code).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return tellFailure(error, args);
  } finally {
    done.abort();
  }
}

/** Prints `peer: WHAT: WHY` and returns the exit code that belongs to it. */
function tellFailure(error: unknown, args: readonly string[]): ExitCode {
  const failure = failureOf(error);
  if (failure === undefined) return EXIT.ok;
  const tell = errorWriter();
  tell(`peer: ${printable(failure.what)}: ${printable(failure.message)}`);
  const isUnexpected = failure.what === "internal error" && error instanceof Error;
  // The failure may come before commander has read the options, so the words themselves are searched.
  if (isUnexpected && /--log-level[ =]debug/.test(args.join(" "))) {
    createLogger("debug", tell).debug(error.stack ?? "");
  }
  // Waits for the Enter key, and does nothing where standard input is no terminal.
  if (mayCloseItsWindow(args)) alert("The program has ended.");
  return failure.exitCode;
}

/** The failure of something thrown; undefined where commander throws after it has shown help or version. */
function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  if (!(error instanceof CommanderError)) return new Failure(EXIT.failed, "internal error", messageOf(error));
  // "peer help help" shows the help, and commander calls that a failure.
  if (error.exitCode === 0 || error.code === "commander.help") return undefined;
  const why = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return new Failure(EXIT.usage, "command line", why[0].toUpperCase() + why.slice(1));
}
