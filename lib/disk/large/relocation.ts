/** Moves what is finished of a torrent from one data folder to another. */
import type { Metainfo } from "../../protocol/metainfo.ts";
import { moveFiles } from "./file_moves.ts";
import { visitInSlices } from "./file_visits.ts";
import { spelledAsOnDisk } from "../spelling.ts";
import { TorrentFiles } from "../torrent_files.ts";

/** Two folders that a user chose for data, absolute paths; undefined stands for `shareable/` in `home`. */
interface Relocation {
  readonly home: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/**
 * Moves the whole files of a torrent to another folder, and removes the folders that are empty then. Files that are not
 * whole stay, as do those that nobody asked for. Nobody may use the torrent meanwhile. A move that was cut off is
 * completed by another call. Errors: `StorageError`; where a file of somebody else is in the way, nothing has moved.
 */
export async function moveData(metainfo: Metainfo, { home, from, to }: Relocation): Promise<void> {
  const spelled = async (folder: string | undefined) =>
    new TorrentFiles((await spelledAsOnDisk(metainfo, home, folder)).metainfo, home, folder);
  const source = await spelled(from);
  const target = await spelled(to);
  if (!source.shareable.hasName()) return;
  const files: number[] = [];
  await visitInSlices(source.shareable.realFiles(), (file, known) => {
    if (source.shareable.isWhole(file, source.shareable.stampOf(file, known))) files.push(file);
  });
  try {
    await moveFiles(files, {
      from: source.shareable,
      to: target.shareable,
      mark: metainfo.infoHash,
      replaceable: [],
      letGo: (file) => {
        source.shareable.closeFile(file);
        target.shareable.closeFile(file);
      },
      moved: () => {},
    });
    await source.removeShareable(files);
  } finally {
    source.close();
    target.close();
  }
}
