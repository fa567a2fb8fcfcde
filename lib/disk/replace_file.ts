import fs from "node:fs";
import { isRenameBusy, tryAgain } from "./storage_failure.ts";

/**
 * Renames a file, over another one where there is one, in one step; again for a while where another program holds
 * either of them. `letGo` closes what this process has open of both, before every try: others cannot rename an open
 * file on every system, nor can we.
 *
 * Errors: what the system says, such as `EXDEV` for another file system.
 */
export async function renameOver(
  source: string,
  target: string,
  letGo: () => void = () => {},
): Promise<void> {
  await tryAgain(() => {
    letGo();
    if (Deno.build.os === "windows") makeWritable(target);
    fs.renameSync(source, target);
  }, isRenameBusy);
}

/** Other systems ask the folder whether a file may be replaced, Windows asks the file. */
function makeWritable(path: string): void {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) fs.chmodSync(path, stats.mode | 0o200);
}
