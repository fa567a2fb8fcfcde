/** One request, and the context in which methods answer it. */
import type { Logger } from "../../log.ts";
import type { Dialect } from "./names.ts";
import type { Params } from "./params.ts";
import type { RpcSession } from "./session_port.ts";
import type { RememberedLimits } from "./limits.ts";
import type { RecentTorrents } from "./torrent_choice.ts";
import type { ResultObject } from "./writing.ts";
import type { TorrentMemories } from "./fields/torrent_look.ts";

/** What the session cannot tell by itself. */
export interface RpcOptions {
  readonly log: Logger;
  /** Absolute paths of folders below which clients may have data put, beside `shareable/`. */
  readonly outputFolders: readonly string[];
  /** Ends the process cleanly. It is called after the answer was made, and may not have gone out yet. */
  stop(): void;
}

/** What methods work with. */
export interface RpcContext {
  readonly session: RpcSession;
  readonly options: RpcOptions;
  /** Absolute path of the home folder. */
  readonly home: string;
  /** Changes at each start; clients repeat it in each request. */
  readonly sessionId: string;
  readonly recent: RecentTorrents;
  readonly memories: TorrentMemories;
  /** The limits of the session that do not count at present. */
  readonly limits: RememberedLimits;
}

/** A method: what it answers, by names in the JSON-RPC dialect. Errors: `RpcError`, and those of the session. */
export type Method = (
  params: Params,
  context: RpcContext,
  dialect: Dialect,
) => ResultObject | Promise<ResultObject>;
