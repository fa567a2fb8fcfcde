import type { GenericSchema } from "valibot";
import type { Session } from "../../session/session.ts";
import type { EventFeed } from "../events/event_feed.ts";
import type { ShareJobs } from "../share_jobs.ts";

/** The content type of a `.torrent` file. */
export const TORRENT_TYPE = "application/x-bittorrent";

/** The way by which a request came: over the control socket of the user, or over TCP. */
export type Door = "control" | "web";

/** Where browsers and programs reach us. */
export interface WebPlace {
  /** URLs without a path, such as `http://127.0.0.1:9091`. */
  readonly addresses: readonly string[];
  /** The address of the page, with the token of this run. */
  readonly page?: string;
  /** The password for programs that know no token. */
  readonly password?: string;
}

/** What all operations work on. */
export interface Workplace {
  readonly session: Session;
  readonly feed: EventFeed;
  readonly shares: ShareJobs;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Absolute paths of folders below which programs on the network may have data put, and share it. */
  readonly outputFolders: readonly string[];
  /** Where browsers and programs reach us, with the secrets that they need. */
  readonly web: () => WebPlace;
  /** Begins to end the process; the answer still goes out. */
  readonly stop: () => void;
}

/** One request that has passed all checks. */
export interface Call<Body> extends Workplace {
  readonly door: Door;
  /** The `{name}` parts of the path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Body;
  /** The bytes of the body where it is a `.torrent` file instead of JSON. */
  readonly torrent: Uint8Array<ArrayBuffer> | undefined;
}

/** One thing that the interface can do: the routes, the checks and the OpenAPI document are made of these. */
export interface Operation<Body = unknown> {
  readonly method: "get" | "post";
  /** Below `/api/v1`; parameters in braces. */
  readonly path: string;
  /** One line for people. */
  readonly summary: string;
  /** The body that it expects; a missing one counts as `{}`. Undefined where it expects none. */
  readonly body?: GenericSchema<unknown, Body>;
  /** Whether the body may be a `.torrent` file of the type `application/x-bittorrent` instead. */
  readonly takesTorrent?: boolean;
  /** What it answers. */
  readonly answer: GenericSchema;
  /** Whether an answer tells of something that was made, so that its status is 201 instead of 200. */
  readonly isMade?: (answer: object) => boolean;
  /** Errors: `Refusal`, `RangeError`, `MetainfoError` for bad input, `StorageError`. */
  readonly run: (call: Call<Body>) => object | Promise<object>;
}

/** An operation whose body has the type of its schema. */
export function operation<Body>(given: Operation<Body>): Operation {
  // The body is checked against the schema before `run` gets it.
  return given as Operation<unknown>;
}
