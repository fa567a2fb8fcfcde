import { setTimeout as delay } from "node:timers/promises";
import { STORAGE } from "../settings.ts";
import { BusyStorageError, messageOf, StorageError } from "../errors.ts";

/** Explanations of system error codes for users. The system's own words explain all others. */
const REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EBUSY: "another program is using it",
  EDQUOT: "disk quota exceeded",
  EEXIST: "something else is there",
  EFBIG: "file too large for this file system",
  EIO: "input/output error",
  EISDIR: "it is a folder",
  ELOOP: "it is a symbolic link",
  EMFILE: "too many open files",
  ENAMETOOLONG: "name too long",
  ENFILE: "too many open files",
  ENOENT: "no such file or folder",
  ENOSPC: "no space left on device",
  ENOTDIR: "a part of the path is not a folder",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
};

/** The system's error code of a thrown value, such as `ENOENT`; undefined where it has none. */
export function errorCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Whether an operation failed because this process or the whole system has too many files and sockets open. */
export function isOutOfDescriptors(thrown: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(errorCode(thrown) ?? "");
}

/**
 * Whether an operation failed for the moment only: no descriptor was left, or another program holds the file, as virus
 * scanners and indexers do on Windows.
 */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof BusyStorageError || errorCode(thrown) === "EBUSY" || isOutOfDescriptors(thrown);
}

/** Whether a rename or replacement failed for the moment only. Windows denies that while any program has it open. */
export function isRenameBusy(thrown: unknown): boolean {
  const isDenied = ["EPERM", "EACCES"].includes(errorCode(thrown) ?? "");
  return isBusy(thrown) || (Deno.build.os === "windows" && isDenied);
}

/**
 * Tries an operation again, after a pause, while its error `mayPass`, up to `STORAGE.busyTries` times.
 * Errors: the last error of the operation.
 */
export async function tryAgain<T>(work: () => T | Promise<T>, mayPass = isBusy): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || tries >= STORAGE.busyTries) throw error;
      await pauseAfter(tries);
    }
  }
}

/** Waits before the next try: at first briefly, then longer each time, up to `STORAGE.busyPauseMs`. */
export async function pauseAfter(tries: number): Promise<void> {
  await delay(Math.min(STORAGE.firstBusyPauseMs * 2 ** (tries - 1), STORAGE.busyPauseMs));
}

/** `Cannot DOING: REASON` for any error of a file operation; a `StorageError` passes unchanged. */
export function storageFailure(doing: string, thrown: unknown): StorageError {
  if (thrown instanceof StorageError) return thrown;
  const message = `Cannot ${doing}: ${REASONS[errorCode(thrown) ?? ""] ?? messageOf(thrown)}`;
  return isBusy(thrown) ? new BusyStorageError(message) : new StorageError(message);
}
