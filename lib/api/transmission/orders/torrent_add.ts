import { join, resolve } from "node:path";
import { MetainfoError } from "../../../errors.ts";
import type { RpcContext } from "../call.ts";
import { downloadFolderIn } from "./folders.ts";
import { wishesForNew } from "./file_wishes.ts";
import type { JsonObject } from "../json.ts";
import type { Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";
import type { TorrentOrigin } from "../../../session/session.ts";
import { labelsIn } from "./torrent_set.ts";

/**
 * The method `torrent_add`: takes a torrent in by its contents, a magnet link, an address or a path in torrents/. Adding
 * a torrent that is there already is a success too, and the answer says so.
 */
export async function torrentAdd(params: Params, context: RpcContext): Promise<JsonObject> {
  const { session, home } = context;
  const origin = await originIn(params, home);
  const folder = downloadFolderIn(params, context);
  const labels = labelsIn(params);
  const isPaused = params.flag("paused");
  const isSequential = params.flag("sequential_download");
  const files = { ...wishesForNew(params), ...isSequential !== undefined && { isSequential } };
  const { infoHash, isNew } = await opened(() =>
    session.open(origin, {
      ...labels !== undefined && { labels },
      ...isPaused !== undefined && { isPaused },
      ...folder !== undefined && { folder },
      ...Object.keys(files).length > 0 && { files },
    })
  );
  if (!session.has(infoHash)) {
    throw new RpcError("system", "Expected the torrent to stay, but it was removed at once");
  }
  const { number: id, name } = session.snapshotOf(infoHash);
  return { [isNew ? "torrent_added" : "torrent_duplicate"]: { id, name, hash_string: infoHash } };
}

async function opened<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof MetainfoError)) throw error;
    throw new RpcError("corrupt torrent", `invalid or corrupt torrent file: ${error.message}`);
  }
}

async function originIn(params: Params, home: string): Promise<TorrentOrigin> {
  const metainfo = params.text("metainfo");
  if (metainfo !== undefined) return { bytes: decoded(metainfo) };
  const filename = params.text("filename")?.trim();
  if (filename === undefined || filename === "") {
    throw new RpcError("invalid params", "no filename or metainfo specified");
  }
  if (/^[\da-f]{40}$/i.test(filename)) return { magnet: `magnet:?xt=urn:btih:${filename}` };
  if (/^magnet:/i.test(filename)) return { magnet: filename };
  if (/^https?:/i.test(filename)) return { url: filename };
  return { path: await pathInTorrents(filename, home) };
}

/** The bytes of a text in base 64, which may have line breaks. Errors: `RpcError`. */
function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new RpcError(
      "corrupt torrent",
      "invalid or corrupt torrent file: Expected base 64 as metainfo, got something else",
    );
  }
}

/**
 * A path that a client names. Clients may run on other machines and must not read this one's files, so only files in
 * torrents/ are taken. Errors: `RpcError`.
 */
async function pathInTorrents(filename: string, home: string): Promise<string> {
  const folder = await Deno.realPath(join(home, "torrents")).catch(() => undefined);
  const path = await Deno.realPath(resolve(join(home, "torrents"), filename)).catch(() => undefined);
  if (folder !== undefined && path !== undefined && path.startsWith(join(folder, "/"))) return path;
  throw new RpcError(
    "corrupt torrent",
    "Expected a magnet link, an http(s) address or a file in torrents/ of this peer, got another path; send the file itself as metainfo",
  );
}
