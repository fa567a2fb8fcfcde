import { setTimeout as delay } from "node:timers/promises";
import { STORAGE } from "../settings.ts";
import { BusyStorageError, messageOf, StorageError } from "../errors.ts";

/** What system error codes mean to a user. Others are told in the system's own words. */
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

/** The system's error code of anything that was thrown, such as `ENOENT`; undefined where it has none. */
export function errorCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Whether something failed because this process or the whole system has too many files and sockets open. */
export function isOutOfDescriptors(thrown: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(errorCode(thrown) ?? "");
}

/**
 * Whether something failed for the moment only: no descriptor was left, or another program holds the file, as virus
 * scanners and indexers do on Windows.
 */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof BusyStorageError || errorCode(thrown) === "EBUSY" || isOutOfDescriptors(thrown);
}

/** Whether a file could not be renamed or replaced for the moment only. Windows denies that while somebody has it open. */
export function isRenameBusy(thrown: unknown): boolean {
  const isDenied = ["EPERM", "EACCES"].includes(errorCode(thrown) ?? "");
  return isBusy(thrown) || (Deno.build.os === "windows" && isDenied);
}

/**
 * Does something again, after a pause, as long as what it throws `mayPass`, up to `STORAGE.busyTries` times.
 * Errors: what it throws last.
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

/** Waits before the next try of what was tried so often: shortly at first, then longer. */
export async function pauseAfter(tries: number): Promise<void> {
  await delay(Math.min(STORAGE.firstBusyPauseMs * 2 ** (tries - 1), STORAGE.busyPauseMs));
}

/** `Cannot DOING: REASON` for anything a file operation threw; a `StorageError` passes unchanged. */
export function storageFailure(doing: string, thrown: unknown): StorageError {
  if (thrown instanceof StorageError) return thrown;
  const message = `Cannot ${doing}: ${REASONS[errorCode(thrown) ?? ""] ?? messageOf(thrown)}`;
  return isBusy(thrown) ? new BusyStorageError(message) : new StorageError(message);
}
