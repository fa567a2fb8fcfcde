import type { InferOutput } from "valibot";
import type { Choices } from "../../session/session.ts";
import type { ProcessChoices } from "./bodies.ts";

/** Choices to change; a member that is undefined goes back to the default. */
type Changes = { readonly [Name in keyof Choices]?: Choices[Name] | undefined };

/** Choices as the session takes them: undefined goes back to the default, `Infinity` is no limit. */
export function choicesOf(body: InferOutput<typeof ProcessChoices>): Changes {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      value === "none" && name !== "altSchedule" ? Infinity : value ?? undefined,
    ]),
  );
}
