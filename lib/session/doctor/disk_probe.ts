import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { DOCTOR } from "../../settings.ts";
import { diskSpace } from "../fleet/disk_space.ts";
import type { DiskFact } from "./checks.ts";

/**
 * Looks at the disk of a folder of ours: its free bytes, and how fast it writes. `needed`: bytes still to come. A file of
 * `DOCTOR.writtenBytes` is written to `scratch`, and is gone afterwards.
 */
export async function probeDisk(folder: string, scratch: string, needed: number): Promise<DiskFact> {
  const free = (await diskSpace(folder))?.free;
  const path = join(scratch, `doctor-${crypto.randomUUID()}`);
  const startedAt = performance.now();
  try {
    const file = await Deno.open(path, { write: true, createNew: true });
    try {
      const part = new Uint8Array(2 ** 20);
      for (let written = 0; written < DOCTOR.writtenBytes; written += part.length) await writeAll(file, part);
      await file.sync();
    } finally {
      file.close();
    }
    const seconds = Math.max(0.001, (performance.now() - startedAt) / 1_000);
    return { folder, free, needed, rate: DOCTOR.writtenBytes / seconds, failure: undefined };
  } catch (error) {
    return { folder, free, needed, rate: undefined, failure: messageOf(error) };
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Whether `DOCTOR.moreFiles` more files can be open at once; connections need the same descriptors. */
export async function hasDescriptors(folder: string): Promise<boolean> {
  const path = join(folder, `doctor-${crypto.randomUUID()}`);
  const files: Deno.FsFile[] = [];
  try {
    files.push(await Deno.open(path, { read: true, write: true, createNew: true }));
    while (files.length < DOCTOR.moreFiles) files.push(await Deno.open(path));
    return true;
  } catch (error) {
    // A disk that is full has a check of its own.
    return !/too many open files|EMFILE|ENFILE/i.test(messageOf(error));
  } finally {
    for (const file of files) file.close();
    await Deno.remove(path).catch(() => {});
  }
}
