import type { InferOutput } from "valibot";
import type { FileWishes } from "../../session/session.ts";
import type { FileSelection } from "./bodies.ts";

/** The wishes for files as the session takes them. */
export function wishesOf({ sequential, ...globs }: InferOutput<typeof FileSelection>): FileWishes {
  return { ...globs, ...sequential === undefined ? {} : { isSequential: sequential } };
}
