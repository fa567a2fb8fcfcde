import { join } from "node:path";
import { StateLock } from "../../disk/state/state_lock.ts";
import { storageFailure } from "../../disk/storage_failure.ts";
import { KeptFleets } from "../kept/kept_fleet.ts";
import type { FleetChoices } from "./fleet.ts";
import { withTrust } from "./membership.ts";

/**
 * Makes a home a member of a fleet while no peer runs in it, as for a disk image, and returns the name of the fleet. The
 * home gets no key of its own by that: each copy makes one at its first start.
 *
 * Errors: `RangeError` as for `Fleet.trust`; `StorageError`, also while a peer runs.
 */
export async function trustAtRest(home: string, text: string, choices: FleetChoices): Promise<string> {
  try {
    await Deno.mkdir(join(home, "state"), { recursive: true });
  } catch (error) {
    throw storageFailure(`make the folder ${join(home, "state")}`, error);
  }
  const lock = await StateLock.take(home);
  try {
    const kept = await KeptFleets.load(home);
    const fleet = { ...withTrust(kept.fleet, text), ...choices };
    await kept.change(fleet);
    return fleet.name;
  } finally {
    lock.release();
  }
}
