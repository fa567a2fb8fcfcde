/** The operation that takes a torrent in. */
import { isAbsolute } from "node:path";
import type { InferOutput } from "valibot";
import type { AddOptions, TorrentOrigin } from "../../session/session.ts";
import { isAllowedFolder } from "../access/output_folders.ts";
import { Refusal } from "../problem.ts";
import { Added } from "./answers.ts";
import { Addition } from "./bodies.ts";
import { wishesOf } from "./file_wishes.ts";
import { type Call, operation } from "./operation.ts";

type Addition = InferOutput<typeof Addition>;

/** Takes a torrent in; a body of the type `application/x-bittorrent` is the `.torrent` file itself. */
export const ADD = operation({
  method: "post",
  path: "/torrents",
  summary: "Take a torrent in; the answer comes when it is kept, before its data has been checked",
  body: Addition,
  takesTorrent: true,
  answer: Added,
  isMade: (answer) => "isNew" in answer && answer.isNew === true,
  run: async (call) => {
    const { infoHash, isNew } = await call.session.open(originOf(call), optionsOf(call));
    const { number, name } = call.session.snapshotOf(infoHash);
    return { infoHash, number, name, isNew };
  },
});

/** Errors: `Refusal` for a body with none or several origins, and for a path that comes over TCP. */
function originOf({ door, torrent, body: { magnet, metainfo, url, path } }: Call<Addition>): TorrentOrigin {
  const origins: TorrentOrigin[] = [
    ...torrent === undefined ? [] : [{ bytes: torrent }],
    ...magnet === undefined ? [] : [{ magnet }],
    ...metainfo === undefined ? [] : [{ bytes: decoded(metainfo) }],
    ...url === undefined ? [] : [{ url }],
    ...path === undefined ? [] : [{ path }],
  ];
  if (origins.length !== 1) {
    throw new Refusal(400, `Expected one of magnet, metainfo, url and path, got ${origins.length || "none"}`);
  }
  if (path === undefined) return origins[0];
  // A program on another machine, or of another user, must not make us read our files.
  if (door !== "control") {
    throw new Refusal(403, "Expected a magnet link or the .torrent file itself, got a path; use `peer add`");
  }
  if (!isAbsolute(path)) throw new Refusal(400, `Expected an absolute path, got ${path}`);
  return origins[0];
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    throw new Refusal(400, "metainfo: Expected base64, got something else");
  }
}

/** Errors: `Refusal` for a folder that the network may not name. */
function optionsOf(call: Call<Addition>): AddOptions {
  const { files, paused, labels, peers, output, reuse, listed } = call.body;
  for (const place of [...output === undefined ? [] : [output], ...reuse ?? []]) {
    if (call.door === "control" || isAllowedFolder(place, call.outputFolders)) continue;
    throw new Refusal(403, `Expected a folder that --output-folders allows, got ${place}`);
  }
  return {
    ...files === undefined ? {} : { files: wishesOf(files) },
    ...paused === undefined ? {} : { isPaused: paused },
    ...labels === undefined ? {} : { labels },
    ...peers === undefined ? {} : { peers },
    ...output === undefined ? {} : { folder: output },
    ...reuse === undefined ? {} : { reuse },
    ...listed === undefined ? {} : { isListed: listed },
  };
}
