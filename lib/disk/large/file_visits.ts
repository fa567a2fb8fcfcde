import { STORAGE } from "../../settings.ts";
import type { KnownFolders } from "../guarded_path.ts";
import { tryAgain } from "../storage_failure.ts";
import { giveWay } from "../time_slices.ts";

/**
 * Visits items, most often files, one after another; tries again where the disk is busy, and every
 * `STORAGE.sliceMs` lets everything else have a turn. `known` holds the folders that were checked since the last one.
 * Errors: those of `visit`.
 */
export async function visitInSlices<T>(
  items: Iterable<T>,
  visit: (item: T, known: KnownFolders) => void | Promise<void>,
): Promise<void> {
  let began = performance.now();
  let known: KnownFolders = new Set();
  const visitAnew = async (item: T) => {
    try {
      await visit(item, known);
    } catch (error) {
      // The visit may be tried again after a pause.
      known = new Set();
      throw error;
    }
  };
  for (const item of items) {
    await tryAgain(() => visitAnew(item));
    if (performance.now() - began < STORAGE.sliceMs) continue;
    await giveWay();
    began = performance.now();
    known = new Set();
  }
}
