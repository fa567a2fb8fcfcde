import { setTimeout as delay } from "node:timers/promises";
import { HomeInUseError } from "../../errors.ts";
import { STORAGE } from "../../settings.ts";
import { guardPath, makeFolders } from "../guarded_path.ts";
import { storageFailure } from "../storage_failure.ts";

/** Time between two tries to take the lock. */
const LOCK_EVERY_MS = 20;

/**
 * The right of this process to use `state/`. The operating system holds the lock, so a killed process leaves none
 * behind; the file contains the process number only so that other processes can tell it to their users.
 */
export class StateLock {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the lock in `home/state/`, making that folder where it is missing.
   *
   * A process that only looks whether the lock is held has it for a moment, so a lock that is held is tried again for
   * `STORAGE.lockPatienceMs`.
   *
   * Errors: `HomeInUseError` that names the process which holds it; `StorageError`.
   */
  static async take(home: string): Promise<StateLock> {
    makeFolders(home, ["state"]);
    const { path } = guardPath(home, ["state", "lock"]);
    let file: Deno.FsFile | undefined;
    try {
      file = await Deno.open(path, { read: true, write: true, create: true });
      const deadline = performance.now() + STORAGE.lockPatienceMs;
      let isOurs = await file.tryLock(true);
      while (!isOurs && performance.now() < deadline) {
        await delay(LOCK_EVERY_MS);
        isOurs = await file.tryLock(true);
      }
      if (isOurs) {
        await file.truncate();
        await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
        return new StateLock(file);
      }
    } catch (error) {
      file?.close();
      throw storageFailure("lock state/", error);
    }
    file.close();
    throw new HomeInUseError(`state/ is in use by process ${await holderOf(path)}`);
  }

  /** Releases the lock. The file stays: after its removal, two processes could lock two files of that name. */
  release(): void {
    // Elsewhere than on Windows, a process that is being started at this moment has the file open too, and closing
    // would leave the lock to it. On Windows the lock ends with the file, and Wine refuses to end it alone.
    if (Deno.build.os !== "windows") this.#file.unlockSync();
    this.#file.close();
  }
}

async function holderOf(path: string): Promise<string> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.trim() || "unknown";
}
