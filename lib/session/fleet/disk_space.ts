import { statfs } from "node:fs/promises";

/** Bytes that are free for us on the disk of a folder, and all its bytes; undefined where the system does not tell. */
export async function diskSpace(
  folder: string,
): Promise<{ readonly free: number; readonly total: number } | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return undefined;
  }
}
