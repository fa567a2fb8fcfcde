import { join, resolve } from "node:path";
import { diskSpace } from "../../session/fleet/disk_space.ts";
import type { RpcContext } from "./call.ts";
import type { JsonObject } from "./json.ts";
import { isAbsolutePath, type Params } from "./params.ts";
import { RpcError } from "./rpc_error.ts";

/** Stands for a size that is not known. */
const UNKNOWN = -1;

/** Bytes that are free for us on the disk of a folder, and all its bytes; -1 each where the system does not tell. */
export async function freeBytes(folder: string): Promise<{ readonly free: number; readonly total: number }> {
  return await diskSpace(folder) ?? { free: UNKNOWN, total: UNKNOWN };
}

/** The method `free_space`, for the folders that data may lie in. Errors: `RpcError` for others. */
export async function freeSpace(params: Params, { home }: RpcContext): Promise<JsonObject> {
  const path = params.text("path");
  if (path === undefined) throw new RpcError("invalid params", "directory path argument is missing");
  if (!isAbsolutePath(path)) throw new RpcError("relative path", "directory path is not absolute");
  const folder = resolve(path);
  if (folder !== home && !folder.startsWith(join(home, "/"))) {
    const unknown = { path, size_bytes: UNKNOWN, total_size: UNKNOWN };
    throw new RpcError("system", `Expected a folder below ${home}, got ${path}`, unknown);
  }
  const { free, total } = await freeBytes(folder);
  return { path, size_bytes: free, total_size: total };
}
