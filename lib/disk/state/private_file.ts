/** Small files in `state/` that only their owner may read: they hold keys. */
import fs from "node:fs";
import { guardPath } from "../guarded_path.ts";
import { renameOver } from "../replace_file.ts";
import { storageFailure } from "../storage_failure.ts";

/** The text of a file in `state/`; undefined where there is none. Errors: `StorageError`; `ObstacleError` for a link. */
export async function readPrivateFile(home: string, name: string): Promise<string | undefined> {
  const { path, stats } = guardPath(home, ["state", name]);
  if (stats === undefined) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw storageFailure(`read state/${name}`, error);
  }
}

/** Writes a file in `state/` whole or not at all. Errors: as `readPrivateFile`. */
export async function writePrivateFile(home: string, name: string, text: string): Promise<void> {
  const { path } = guardPath(home, ["state", name]);
  const fresh = `${name}.new`;
  const { path: freshPath } = guardPath(home, ["state", fresh]);
  try {
    // The rights of a file that a crash has left there may be others.
    fs.rmSync(freshPath, { force: true });
    using file = await Deno.open(freshPath, { write: true, createNew: true, mode: 0o600 });
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
    await file.syncData();
  } catch (error) {
    throw storageFailure(`write state/${fresh}`, error);
  }
  try {
    await renameOver(freshPath, path);
  } catch (error) {
    throw storageFailure(`write state/${name}`, error);
  }
}
