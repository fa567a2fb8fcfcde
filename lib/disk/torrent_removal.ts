import type { Metainfo } from "../protocol/metainfo.ts";
import { FilePlace } from "./parts_layout.ts";
import type { ResumeStore } from "./state/resume_store.ts";
import { spelledAsOnDisk } from "./spelling.ts";
import { TorrentFiles } from "./torrent_files.ts";

/**
 * Removes everything that the program keeps of a torrent: its unfinished files in `state/tmp/` and its resume state.
 * Nobody may use the torrent any more. With `deletesData` it removes the finished files too, but no other files that have
 * the same names.
 *
 * Errors: `StorageError` and those of Deno KV. The caller may then try again.
 */
export async function removeTorrent(
  metainfo: Metainfo,
  { home, folder, resume }: {
    readonly home: string;
    /** The folder that the user chose for the data; undefined for `shareable/`. */
    readonly folder?: string | undefined;
    readonly resume: ResumeStore;
  },
  deletesData: boolean,
): Promise<void> {
  const { infoHash, files: { length } } = metainfo;
  const files = new TorrentFiles((await spelledAsOnDisk(metainfo, home, folder)).metainfo, home, folder);
  if (deletesData) {
    const isComplete = await resume.phase(infoHash) === "complete";
    const places = await resume.places(infoHash, length);
    const finished = files.shareable.realFiles().filter((file) =>
      isComplete || places?.[file] === FilePlace.shareable
    );
    await files.removeShareable(finished);
  }
  await files.removeTmpLater();
  await resume.forget(infoHash);
}
