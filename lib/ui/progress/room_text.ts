/** Words about a room, for the terminal and the page. */
import type { HostView } from "../../api/shapes.ts";
import { formatDuration } from "../number_format.ts";

/** Whether everybody is done; `lastInS` is the time until the last one is, in seconds. */
export function roomText(hosts: number, done: number, lastInS?: number): string {
  if (done === hosts) return `all ${hosts} hosts have it`;
  const last = lastInS === undefined ? "" : `, last one in about ${formatDuration(lastInS)}`;
  return `${done} of ${hosts} hosts have it${last}`;
}

/** Whether a host has all that it wants. One that had it and was switched off has it still. */
export function hasIt({ state, part }: Pick<HostView, "state" | "part">): boolean {
  return state === "done" || (state === "gone" && part === 1);
}

/** Orders hosts by how much they need a person: those that failed, those at it, those that have gone, those that have it. */
export function urgencyOf({ state, part }: Pick<HostView, "state" | "part">): number {
  if (state === "failed") return 0;
  if (hasIt({ state, part })) return 3;
  return state === "gone" ? 2 : 1;
}
