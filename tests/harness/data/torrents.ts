import { sha1 } from "../../../lib/protocol/info_hash.ts";
import {
  encodeInfo,
  type InfoFile,
  type Metainfo,
  parseInfo,
  readOriginalPaths,
} from "../../../lib/protocol/metainfo.ts";
import { finish } from "../../../lib/protocol/steps.ts";
import { concatBytes } from "../../../lib/protocol/bytes.ts";
import { METAINFO_LIMITS } from "../../../lib/settings.ts";

/** The metainfo of some data as one file, or as several that follow one another. */
export function metainfoOf(
  data: Uint8Array,
  pieceLength: number,
  name = "data.bin",
  files: readonly InfoFile[] = [{ path: [], length: data.length }],
  isPrivate = false,
): Metainfo {
  const hashes: Uint8Array[] = [];
  for (let from = 0; from < data.length; from += pieceLength) {
    hashes.push(sha1(data.subarray(from, from + pieceLength)));
  }
  const rawInfo = encodeInfo(name, files, pieceLength, concatBytes(...hashes), isPrivate);
  return parseInfo(rawInfo, METAINFO_LIMITS);
}

/** The paths of all files as a torrent's info dictionary spells them, its name first. */
export function originalPaths(rawInfo: Uint8Array): string[][] {
  return finish(readOriginalPaths(rawInfo, METAINFO_LIMITS));
}
