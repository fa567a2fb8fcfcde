import { join } from "node:path";

/** Whether some process holds the lock of a home folder. */
export async function isInUse(home: string): Promise<boolean> {
  try {
    using file = await Deno.open(join(home, "state", "lock"), { read: true, write: true });
    return !await file.tryLock(true);
  } catch (error) {
    // A lock that this user may not open belongs to a process of another user.
    return error instanceof Deno.errors.PermissionDenied;
  }
}
