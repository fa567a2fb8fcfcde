import { messageOf } from "../../lib/errors.ts";
import type { Contender } from "./clients/contender.ts";
import { Workshop } from "./workshop.ts";

/** What the user asked for; every measurement gets it. */
export interface BenchOptions {
  /** How often everything is measured. */
  readonly runs: number;
  /** The share of its sizes that `big` takes, above 0 and at most 1. */
  readonly scale: number;
  /** As small and short as possible, to see that the measurement itself works. */
  readonly isTiny: boolean;
  /** Folder to work in; memory unless named. */
  readonly parent: string | undefined;
  /** Contenders to take, by a part of their names; all when empty. */
  readonly only: readonly string[];
}

/** Says on standard error what is going on; standard output is for results. */
export function say(text: string): void {
  console.error(text);
}

/** The contenders that are installed and asked for. Those missing are named aloud; versions go into the report. */
export async function findContenders(
  options: BenchOptions,
  contenders: readonly Contender[],
): Promise<{ present: Contender[]; versions: string }> {
  const present: Contender[] = [];
  const versions: string[] = [];
  for (const contender of contenders) {
    if (options.only.length > 0 && !options.only.some((part) => contender.name.includes(part))) continue;
    const found = await contender.find();
    if ("missing" in found) {
      say(`skipped: ${contender.name}: ${found.missing}`);
      versions.push(`${contender.name} skipped (${found.missing})`);
    } else {
      present.push(contender);
      versions.push(`${contender.name} ${found.version}`);
    }
  }
  return { present, versions: versions.join("; ") };
}

/** Runs a measurement; one that fails is told, makes the exit status 1, and the others go on. */
export async function attempt<T>(what: string, measure: () => Promise<T>): Promise<T | undefined> {
  try {
    return await measure();
  } catch (error) {
    if (Workshop.closing !== undefined) throw error;
    say(`failed: ${what}: ${messageOf(error)}`);
    Deno.exitCode = 1;
    return undefined;
  }
}
