import type { GenericSchema } from "valibot";
import type { Session } from "../session/session.ts";
import type { EventFeed } from "./event_feed.ts";

/** The way by which a request came: over the control socket of the user, or over TCP. */
export type Door = "control" | "web";

/** What all operations work on. */
export interface Workplace {
  readonly session: Session;
  readonly feed: EventFeed;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Begins to end the process; the answer still goes out. */
  readonly stop: () => void;
}

/** One request that has passed all checks. */
export interface Call<Body> extends Workplace {
  readonly door: Door;
  /** The `{name}` parts of the path. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Body;
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
  /** What it answers with status 200. */
  readonly answer: GenericSchema;
  /** Errors: `Refusal`, `RangeError`, `MetainfoError` for bad input, `StorageError`. */
  readonly run: (call: Call<Body>) => object | Promise<object>;
}

/** An operation whose body has the type of its schema. */
export function operation<Body>(given: Operation<Body>): Operation {
  // The body is checked against the schema before `run` gets it.
  return given as Operation<unknown>;
}
