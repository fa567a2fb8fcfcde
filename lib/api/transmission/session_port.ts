/** The part of a session that Transmission's RPC shows and steers. */
import type { Session } from "../../session/session.ts";

/** The methods of a session that the RPC uses; a test may stand in for them. */
export type RpcSession = Pick<
  Session,
  | "open"
  | "remove"
  | "pause"
  | "resume"
  | "verify"
  | "reannounce"
  | "select"
  | "relocate"
  | "label"
  | "choose"
  | "choices"
  | "addTracker"
  | "dropTracker"
  | "queueMove"
  | "has"
  | "snapshot"
  | "snapshotOf"
  | "details"
  | "files"
  | "trackers"
  | "webSeeds"
  | "pieces"
  | "process"
>;
