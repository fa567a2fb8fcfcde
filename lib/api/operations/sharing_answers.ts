/** The shapes of answers about what is shared, here and near by. */
import * as v from "valibot";
import { Bytes, Count, InfoHashText } from "./answers.ts";

/** A file or folder that is being shared, or was shared in this run. */
const Share = v.object({
  id: Count,
  path: v.string(),
  done: v.pipe(Count, v.description("Pieces that were read")),
  total: v.pipe(Count, v.description("All pieces; 0 until they are known")),
  failure: v.optional(v.pipe(v.string(), v.description("Why it is not shared"))),
  shared: v.optional(v.pipe(
    v.object({
      infoHash: InfoHashText,
      name: v.string(),
      length: Bytes,
      files: Count,
      code: v.string(),
      magnet: v.string(),
      isNew: v.boolean(),
    }),
    v.description("What others get it by; it is there once it is shared"),
  )),
});

export const Shares = v.object({ shares: v.array(Share) });

export const ShareBegun = v.object({ id: Count });

/** What is in a folder of this machine. */
export const FolderView = v.object({
  folder: v.string(),
  parent: v.optional(v.pipe(v.string(), v.description("The folder above, where that may be looked into"))),
  folders: v.pipe(v.array(v.string()), v.description("The folders that may be shared from; all, where none")),
  entries: v.array(v.object({
    name: v.string(),
    path: v.string(),
    isFolder: v.boolean(),
    length: v.optional(Bytes),
  })),
  isCut: v.pipe(v.boolean(), v.description("Whether it has more entries than these")),
});

/** What hosts near by share. */
export const SharesFound = v.object({
  shares: v.array(v.object({
    infoHash: InfoHashText,
    name: v.string(),
    length: Bytes,
    files: Count,
    isVerified: v.pipe(v.boolean(), v.description("Whether name, size and files are those of the metadata")),
    isHere: v.pipe(v.boolean(), v.description("Whether this session has it already")),
    isListed: v.boolean(),
    code: v.string(),
    strongCode: v.pipe(v.string(), v.description("The code of six words")),
    hosts: v.array(v.object({ name: v.string(), endpoint: v.string() })),
    magnet: v.pipe(v.string(), v.description("The link to add it by")),
  })),
  hosts: v.pipe(Count, v.description("Hosts that answered")),
  refused: v.pipe(Count, v.description("Torrents that hosts named falsely")),
});
