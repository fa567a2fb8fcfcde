import { setTimeout as delay } from "node:timers/promises";
import { STORAGE } from "../settings.ts";
import { messageOf, NoDescriptorError, StorageError } from "../errors.ts";

/** What system error codes mean to a user. Others are told in the system's own words. */
const REASONS: Record<string, string> = {
  EACCES: "permission denied",
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
 * Does something again, after a pause, as long as the system has no descriptor for it, up to
 * `STORAGE.descriptorTries` times. Errors: what it throws last.
 */
export async function tryAgain<T>(work: () => T | Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof NoDescriptorError || isOutOfDescriptors(error);
      if (!mayPass || tries >= STORAGE.descriptorTries) throw error;
      await delay(STORAGE.descriptorPauseMs);
    }
  }
}

/** `Cannot DOING: REASON` for anything a file operation threw; a `StorageError` passes unchanged. */
export function storageFailure(doing: string, thrown: unknown): StorageError {
  if (thrown instanceof StorageError) return thrown;
  const message = `Cannot ${doing}: ${REASONS[errorCode(thrown) ?? ""] ?? messageOf(thrown)}`;
  return isOutOfDescriptors(thrown) ? new NoDescriptorError(message) : new StorageError(message);
}
