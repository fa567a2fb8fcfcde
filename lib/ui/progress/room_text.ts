/** Words about a room, for the terminal and the page. */
import type { HostView } from "../../api/shapes.ts";
import { formatDuration } from "../number_format.ts";

/** Whether everybody is done; `lastInS` is the time until the last one is, in seconds. */
export function roomText(hosts: number, done: number, lastInS?: number): string {
  if (done === hosts) return `all ${hosts} hosts have it`;
  const last = lastInS === undefined ? "" : `, last one in about ${formatDuration(lastInS)}`;
  return `${done} of ${hosts} hosts have it${last}`;
}

/** Orders hosts by how much they need a person: those that failed, those at it, those that have gone, those done. */
export function urgencyOf({ state }: Pick<HostView, "state">): number {
  if (state === "failed") return 0;
  if (state === "done") return 3;
  return state === "gone" ? 2 : 1;
}
