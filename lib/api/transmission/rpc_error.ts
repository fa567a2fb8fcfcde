/** Errors of Transmission's RPC: a code and its message for the JSON-RPC dialect, and a sentence for people in both. */

import type { JsonObject } from "./json.ts";

/** Codes of JSON-RPC 2.0, section 5.1, and above 0 those of Transmission. */
const CODES = {
  parse: [-32700, "Parse error"],
  "invalid request": [-32600, "Invalid Request"],
  "unknown method": [-32601, "Method not found"],
  "invalid params": [-32602, "Invalid params"],
  internal: [-32603, "Internal error"],
  trackers: [1, "error setting announce list"],
  "tracker list": [2, "Invalid tracker list"],
  "relative path": [3, "path is not absolute"],
  system: [5, "system error"],
  "file index": [6, "file index out of range"],
  "corrupt torrent": [8, "invalid or corrupt torrent file"],
} as const satisfies Record<string, readonly [code: number, message: string]>;

/** A request that cannot be carried out. Its message is one line for the user. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  /** The message that belongs to the code. */
  readonly title: string;
  /** What can be answered all the same; undefined for nothing. */
  readonly result: JsonObject | undefined;

  /** Without `message`, the message that belongs to the code says all. */
  constructor(kind: keyof typeof CODES, message: string = CODES[kind][1], result?: JsonObject) {
    super(message);
    [this.code, this.title] = CODES[kind];
    this.result = result;
  }
}
