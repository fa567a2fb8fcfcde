import { Bitfield } from "../protocol/bitfield.ts";
import { equalBytes } from "../protocol/bytes.ts";
import { sha1 } from "../protocol/info_hash.ts";
import { type Metainfo, pieceHash } from "../protocol/metainfo.ts";
import type { DiskWorkers } from "./disk_workers.ts";
import type { FileRow } from "./file_row.ts";
import { packing } from "./large/packed_files.ts";
import { spelledAsOnDisk } from "./spelling.ts";
import { inSlices } from "./time_slices.ts";
import { TorrentFiles } from "./torrent_files.ts";

/** The result of hashing; every piece is in at most one set. A piece in neither has wrong data. */
interface CheckedPieces {
  readonly good: Bitfield;
  /** Pieces without data: a file is missing or too short, or it holds only the zeros of a file never written to. */
  readonly missing: Bitfield;
}

/** Hashes the pieces `indices` of a row of files. `onChecked` gets the number of pieces done. */
export async function checkPieces(
  workers: DiskWorkers,
  metainfo: Metainfo,
  row: FileRow,
  indices: Iterable<number>,
  onChecked: (checked: number) => void,
  signal?: AbortSignal,
): Promise<CheckedPieces> {
  const { layout } = metainfo;
  const good = new Bitfield(layout.pieceCount);
  const missing = new Bitfield(layout.pieceCount);
  const hashOfZeros = sha1(new Uint8Array(layout.pieceLength));
  const hashOfLastZeros = sha1(
    new Uint8Array(layout.pieceCount > 0 ? layout.lengthOf(layout.pieceCount - 1) : 0),
  );
  let checked = 0;
  await workers.hashPieces(row.description, layout, indices, (index, hash) => {
    const zeros = index === layout.pieceCount - 1 ? hashOfLastZeros : hashOfZeros;
    if (hash !== undefined && equalBytes(hash, pieceHash(metainfo, index))) good.add(index);
    else if (hash === undefined || equalBytes(hash, zeros)) missing.add(index);
    onChecked(++checked);
  }, signal);
  return { good, missing };
}

/** The state of a torrent's data on this machine. */
interface TorrentCheck {
  readonly good: Bitfield;
  /** Pieces with wrong data. */
  readonly bad: readonly number[];
  /** Pieces with no data. */
  readonly missing: readonly number[];
  /** Paths of files that are too long, and of empty files that are missing: no piece shows these faults. */
  readonly wrongSizes: readonly string[];
}

/**
 * Hashes the data in `shareable/`, and in `state/tmp/` the pieces that are not good there. It changes nothing.
 *
 * `onChecked` hears how many pieces were looked at. Errors: `StorageError`.
 */
export async function checkTorrent(
  metainfo: Metainfo,
  home: string,
  workers: DiskWorkers,
  onChecked: (checked: number) => void,
  signal?: AbortSignal,
): Promise<TorrentCheck> {
  const { pieceCount } = metainfo.layout;
  const files = new TorrentFiles((await spelledAsOnDisk(metainfo, home)).metainfo, home);
  const good = new Bitfield(pieceCount);
  let missing = Bitfield.full(pieceCount);
  await inSlices(packing(files.tmp.description.files));
  await files.look();
  for (const row of [files.shareable, files.current]) {
    if (!row.exists()) continue;
    const before = good.count;
    const found = await checkPieces(
      workers,
      metainfo,
      row,
      Bitfield.full(pieceCount).without(good),
      (count) => onChecked(before + count),
      signal,
    );
    good.addAll(found.good);
    missing = missing.without(missing.without(found.missing));
  }
  const bad = [...Bitfield.full(pieceCount).without(good).without(missing)];
  return { good, bad, missing: [...missing], wrongSizes: await wrongSizesOf(files) };
}

/** Paths of files that are right in neither folder although no piece shows it. */
async function wrongSizesOf({ shareable, tmp }: TorrentFiles): Promise<string[]> {
  const inTmp = await tmp.stamps();
  const inShareable = await shareable.stamps();
  const isWrong = (file: number) => {
    const length = shareable.lengthOf(file);
    const sizes = [inTmp[file]?.size, inShareable[file]?.size].filter((size) => size !== undefined);
    return !sizes.includes(length) && (length === 0 || sizes.some((size) => size > length));
  };
  return [...shareable.realFiles()].filter(isWrong).map((file) => shareable.nameOf(file));
}
