/** The folder of one run: in memory when it fits there, so that no disk slows the run, and gone afterwards. */
import { isAbandoned, ownPrefix } from "./namespaces.ts";

const PARENT = "/tmp";
/** The files of a run may take this part of the free memory; the processes need some, too. */
const MEMORY_SHARE = 0.5;

/**
 * Makes a folder with room for `bytes`; with `keep` on disk, where it may stay.
 *
 * What killed processes left behind is removed first. Memory is mounted at the folder, since Deno's permissions do
 * not let programs into the ready one below `/dev`.
 */
export function makeRunFolder(bytes: number, keep: boolean): string {
  for (const { name } of Deno.readDirSync(PARENT)) {
    if (isAbandoned(name)) removeRunFolder(`${PARENT}/${name}`);
  }
  if (keep) return Deno.makeTempDirSync({ dir: PARENT, prefix: "peer-lan-kept-" });
  const folder = Deno.makeTempDirSync({ dir: PARENT, prefix: ownPrefix() });
  const { available } = Deno.systemMemoryInfo();
  if (bytes < MEMORY_SHARE * available) {
    const args = ["-t", "tmpfs", "-o", `size=${Math.round(MEMORY_SHARE * available)}`, "peer-lan", folder];
    new Deno.Command("mount", { args }).outputSync();
  }
  return folder;
}

/** Removes the folder; no process may use it any more. */
export function removeRunFolder(folder: string): void {
  // Fails where nothing is mounted, which is just as well.
  new Deno.Command("umount", { args: [folder] }).outputSync();
  Deno.removeSync(folder, { recursive: true });
}
