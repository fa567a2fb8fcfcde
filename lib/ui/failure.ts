/** Exit codes of README.md "Exit codes", and 130 for a second signal, as shells count it. */
export const EXIT = { ok: 0, failed: 1, usage: 2, badInput: 3, interrupted: 130 } as const;
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** A command cannot be done. `cli.ts` catches it, prints `peer: WHAT: WHY` and exits with its code. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** The subject of the failure: an option, a path, a command. */
  readonly what: string;
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, what: string, why: string, options?: ErrorOptions) {
    super(why, options);
    this.what = what;
    this.exitCode = exitCode;
  }
}
