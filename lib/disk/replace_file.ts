import fs from "node:fs";
import { isRenameBusy, tryAgain } from "./storage_failure.ts";

/**
 * Renames a file in one step, over another one where there is one; tries again for a while where another program holds
 * one of them. `letGo` closes both files in this process before every try, since some systems do not rename open files.
 * `renamed` hears of it before anything else runs.
 *
 * Errors: those of the system, such as `EXDEV` for another file system.
 */
export async function renameOver(
  source: string,
  target: string,
  letGo: () => void = () => {},
  renamed: () => void = () => {},
): Promise<void> {
  await tryAgain(() => {
    letGo();
    if (Deno.build.os === "windows") makeWritable(target);
    fs.renameSync(source, target);
    renamed();
  }, isRenameBusy);
}

/** Lets Windows replace a file, which depends on the file there; on other systems it depends on the folder. */
function makeWritable(path: string): void {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) fs.chmodSync(path, stats.mode | 0o200);
}
