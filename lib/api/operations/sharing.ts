/** Operations that share files and folders of this machine. */
import { dirname, isAbsolute, join, resolve } from "node:path";
import { isAllowedFolder } from "../access/output_folders.ts";
import { lookInto } from "../../session/fleet/folder_look.ts";
import { Refusal } from "../problem.ts";
import { API } from "../../settings.ts";
import { Nothing } from "./answers.ts";
import { Folder, NewShare, ShareNumber } from "./bodies.ts";
import { type Call, type Operation, operation } from "./operation.ts";
import { FolderView, ShareBegun, Shares } from "./sharing_answers.ts";

export const SHARING_OPERATIONS: readonly Operation[] = [
  operation({
    method: "get",
    path: "/shares",
    summary: "What is being read to be shared, and what was shared in this run",
    answer: Shares,
    run: ({ shares }) => ({ shares: shares.views }),
  }),
  operation({
    method: "post",
    path: "/shares",
    summary:
      "Share a file or folder of this machine from where it lies; it is read first, which `GET /shares` tells",
    body: NewShare,
    answer: ShareBegun,
    isMade: () => true,
    run: (call) => {
      const { path, listed: isListed, pieceLength } = call.body;
      return { id: call.shares.begin({ path: allowed(path, call), isListed, pieceLength }) };
    },
  }),
  operation({
    method: "post",
    path: "/shares/cancel",
    summary: "End a share that is being read, or forget one that has ended; what is shared already stays",
    body: ShareNumber,
    answer: Nothing,
    run: ({ shares, body: { id } }) => {
      shares.cancel(id);
      return {};
    },
  }),
  operation({
    method: "post",
    path: "/shares/look",
    summary: "Files and folders of this machine that may be shared, folder by folder",
    body: Folder,
    answer: FolderView,
    run: async (call) => {
      const folders = [shareableOf(call), ...call.outputFolders];
      const folder = allowed(call.body.folder ?? folders[0], call);
      const parent = dirname(folder);
      const hasParent = parent !== folder && (call.door === "control" || isAllowedFolder(parent, folders));
      return { folder, ...hasParent && { parent }, folders, ...await lookInto(folder, API.entriesShown) };
    },
  }),
];

function shareableOf({ session }: Call<unknown>): string {
  return join(session.process().home, "shareable");
}

/**
 * A path that the caller may name. Whether anything is there is not told of other paths. Errors: `Refusal`.
 */
function allowed(path: string, call: Call<unknown>): string {
  if (!isAbsolute(path) || path.includes("\0")) {
    throw new Refusal(400, "Expected an absolute path, got another text");
  }
  const full = resolve(path);
  if (call.door === "control") return full;
  const folders = [shareableOf(call), ...call.outputFolders];
  if (isAllowedFolder(full, folders)) return full;
  throw new Refusal(
    403,
    "Expected a path below shareable/ or below a folder of output-folders in peer.toml, got another; " +
      "in a terminal on that machine, `peer share PATH` shares any",
  );
}
