/** The folders for data that clients name, of which only those that the user allows are taken. */
import { join, resolve } from "node:path";
import { isAllowedFolder } from "../../access/output_folders.ts";
import type { RpcContext } from "../call.ts";
import { invalid, isAbsolutePath, type Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";

/**
 * The folder for the data of a torrent that is added; undefined for shareable/. Where the user allows no other folder,
 * any that a client names stands for shareable/, because programs name one in each request, as "/downloads" where nobody
 * chose any. Errors: `RpcError` for a relative path, and for one that is not among those allowed.
 */
export function downloadFolderIn(params: Params, context: RpcContext): string | undefined {
  const named = params.text("download_dir");
  if (named === undefined || named === "") return undefined;
  const path = absolute(named, "download-dir");
  const { home, options: { outputFolders } } = context;
  if (outputFolders.length === 0 || resolve(path) === join(home, "shareable")) return undefined;
  return allowed(path, context);
}

/** The folder to which data is to be moved. Errors: `RpcError` for a missing or relative path, and one not allowed. */
export function locationIn(params: Params, context: RpcContext): string {
  const named = params.text("location");
  if (named === undefined || named === "") throw invalid("a folder as location", named ?? null);
  return allowed(absolute(named, "location"), context);
}

function absolute(path: string, name: string): string {
  if (isAbsolutePath(path)) return path;
  throw new RpcError("relative path", `Expected an absolute path as ${name}, got ${JSON.stringify(path)}`);
}

function allowed(path: string, { home, options: { outputFolders } }: RpcContext): string {
  const shareable = join(home, "shareable");
  if (resolve(path) === shareable || isAllowedFolder(path, outputFolders)) return path;
  throw new RpcError("system", `Expected ${shareable} or a folder that --output-folders allows, got ${path}`);
}
