/** The fields of `torrent_get` about files. */
import type { FileView } from "../../../session/session.ts";
import type { Field } from "./torrent_fields.ts";

/** The priorities of files. We know two: files that come first, and the others. */
const NORMAL = 0;
const HIGH = 1;

/** What Transmission calls data of an unknown kind. */
const ANY_TYPE = "application/octet-stream";

/** Types of media by the ending of a file's name; clients show an icon for them. */
const TYPES: readonly (readonly [ending: RegExp, type: string])[] = [
  [/\.(mkv|webm)$/i, "video/x-matroska"],
  [/\.(mp4|m4v)$/i, "video/mp4"],
  [/\.avi$/i, "video/x-msvideo"],
  [/\.mp3$/i, "audio/mpeg"],
  [/\.flac$/i, "audio/flac"],
  [/\.(ogg|oga|opus)$/i, "audio/ogg"],
  [/\.jpe?g$/i, "image/jpeg"],
  [/\.png$/i, "image/png"],
  [/\.pdf$/i, "application/pdf"],
  [/\.zip$/i, "application/zip"],
  [/\.iso$/i, "application/x-iso9660-image"],
  [/\.(txt|nfo)$/i, "text/plain"],
];

export const fileFields: Readonly<Record<string, Field>> = {
  bytes_completed: ({ files }) => files.map(({ have }) => have),
  file_count: ({ files }) => files.length,
  file_stats: ({ files }) =>
    files.map((file) => ({ bytes_completed: file.have, wanted: file.isWanted, priority: priorityOf(file) })),
  files: ({ files }) =>
    files.map(({ path, length, have }) => ({ name: path, length, bytes_completed: have })),
  primary_mime_type: ({ files }) => typeOf(files),
  priorities: ({ files }) => files.map(priorityOf),
  // Clients of the legacy dialect expect numbers, and broke when they once got booleans.
  wanted: ({ files }, dialect) =>
    files.map(({ isWanted }) => dialect === "legacy" ? Number(isWanted) : isWanted),
};

/**
 * The files, with an empty one in the place of each padding file (BEP 47): clients name files by their position in the
 * torrent, and find them by it in our lists.
 */
export function withPadding(files: readonly FileView[]): readonly FileView[] {
  const last = files.at(-1)?.position ?? -1;
  if (last < files.length) return files;
  const byPosition = new Map(files.map((file) => [file.position, file]));
  return Array.from({ length: last + 1 }, (_, position) =>
    byPosition.get(position) ??
      { position, path: `.pad/${position}`, length: 0, have: 0, isWanted: true, isFirst: false });
}

function priorityOf({ isFirst }: FileView): number {
  return isFirst ? HIGH : NORMAL;
}

/** The type of the longest file. */
function typeOf(files: readonly FileView[]): string {
  let longest: FileView | undefined;
  for (const file of files) if (longest === undefined || file.length > longest.length) longest = file;
  const { path = "" } = longest ?? {};
  return TYPES.find(([ending]) => ending.test(path))?.[1] ?? ANY_TYPE;
}
