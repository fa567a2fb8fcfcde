/** The mark of an unchanged file: size in bytes, time of change in ms, inode. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly inode: number;
}

/** Whether two stamps were taken of the same unchanged file. */
export function sameStamp(a: FileStamp | undefined, b: FileStamp | undefined): boolean {
  return a !== undefined && b !== undefined && a.size === b.size && a.mtimeMs === b.mtimeMs &&
    a.inode === b.inode;
}

/** The stamp of a file; a system that tells no time or inode counts as if these were 0. */
export function stampFrom({ size, mtime, ino }: Deno.FileInfo): FileStamp {
  return { size, mtimeMs: mtime?.getTime() ?? 0, inode: ino ?? 0 };
}
