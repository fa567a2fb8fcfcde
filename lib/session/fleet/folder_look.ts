/** What is in a folder of this machine, for users who share from it and see no more of the machine than a page. */
import { opendir } from "node:fs/promises";
import { join } from "node:path";
import { storageFailure } from "../../disk/storage_failure.ts";

/** A file or folder. */
interface FolderEntry {
  readonly name: string;
  readonly path: string;
  readonly isFolder: boolean;
  /** Of a file, in bytes. */
  readonly length?: number;
}

/** The files and folders in a folder. */
interface FolderLook {
  /** By name. */
  readonly entries: readonly FolderEntry[];
  /** Whether it has more of them. */
  readonly isCut: boolean;
}

/** Looks into a folder; links and hidden files are left out, and all above `most` entries. Errors: `StorageError`. */
export async function lookInto(folder: string, most: number): Promise<FolderLook> {
  const entries: FolderEntry[] = [];
  let isCut = false;
  try {
    for await (const entry of await opendir(folder)) {
      const { name } = entry;
      const isFolder = entry.isDirectory();
      if (name.startsWith(".") || !isFolder && !entry.isFile()) continue;
      isCut = entries.length === most;
      if (isCut) break;
      const path = join(folder, name);
      entries.push({ name, path, isFolder, ...!isFolder && { length: (await Deno.lstat(path)).size } });
    }
  } catch (error) {
    throw storageFailure(`look into ${folder}`, error);
  }
  const { compare } = new Intl.Collator("en", { numeric: true });
  return { entries: entries.sort((a, b) => compare(a.name, b.name)), isCut };
}
