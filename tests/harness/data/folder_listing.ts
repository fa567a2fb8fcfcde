import { createHash } from "node:crypto";
import { join } from "node:path";

/** Files with more bytes than this are known by size and time alone: hashing them takes seconds. */
const MAX_HASHED = 16 * 1024 * 1024;

/** Every file, folder and link below `folder`: its path to what it is, with mode, size, time of change and hash. */
export async function listFolder(folder: string): Promise<Record<string, string>> {
  const listing: Record<string, string> = {};
  const list = async (below: string) => {
    for await (const entry of Deno.readDir(join(folder, below))) {
      const path = join(below, entry.name);
      listing[path] = await describe(join(folder, path));
      if (entry.isDirectory) await list(path);
    }
  };
  await list("");
  return listing;
}

/** SHA-256 of a file in hex. */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}

async function describe(path: string): Promise<string> {
  const { isFile, isSymlink, size, mtime, mode } = await Deno.lstat(path);
  const time = mtime?.toISOString();
  if (isSymlink) return `link to ${await Deno.readLink(path)}`;
  if (!isFile) return `folder ${mode} ${time}`;
  return `${mode} ${size} ${time} ${size > MAX_HASHED ? "" : await hashOfFile(path)}`;
}
