/** Offers of a fleet in sentences. */
import { formatBytes } from "../number_format.ts";

/** A host that was offered something, or an offer to this host, as the session tells of it. */
interface OfferedHost {
  readonly name: string;
  readonly state: string;
  readonly needs?: number | undefined;
  readonly has?: number | undefined;
}

/** What hosts of each state do, for one of them and for several. */
const DOING: readonly (readonly [state: string, one: string, several: string])[] = [
  ["asked", "asks its user", "ask their users"],
  ["declined", "declined", "declined"],
  ["busy", "is busy with others first", "are busy with others first"],
  ["silent", "has not answered yet", "have not answered yet"],
  ["away", "is away", "are away"],
];
/** Names told of one state. */
const MAX_NAMES = 5;

/** How the hosts take what they were offered: `3 hosts were offered it: 2 took it, pc-22 is away`. */
export function offeredText(hosts: readonly OfferedHost[]): string {
  if (hosts.length === 0) return "no host of the fleet was met yet: those that come are offered it";
  const took = hosts.filter(({ state }) => state === "accepted").length;
  const others = DOING.flatMap(([state, one, several]) => {
    const names = hosts.filter((host) => host.state === state).map(({ name }) => name);
    return names.length === 0 ? [] : [`${namesText(names)} ${names.length === 1 ? one : several}`];
  });
  const full = hosts.filter(({ state }) => state === "full").map(({ name, needs = 0, has = 0 }) =>
    `${name} is full (needs ${formatBytes(needs)}, has ${formatBytes(has)})`
  );
  const were = hosts.length === 1 ? "1 host was" : `${hosts.length} hosts were`;
  return `${were} offered it: ${[`${took} took it`, ...others, ...full].join(", ")}`;
}

function namesText(names: readonly string[]): string {
  if (names.length === 1) return names[0];
  if (names.length > MAX_NAMES) {
    return `${names.slice(0, MAX_NAMES).join(", ")} and ${names.length - MAX_NAMES} more`;
  }
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** How this host takes what a lead offers. */
export function takenText({ name, state, needs = 0, has = 0 }: OfferedHost): string {
  switch (state) {
    case "asked":
      return `waits: peer fleet accept "${name}" takes it, peer fleet decline "${name}" does not`;
    case "accepted":
      return "taken";
    case "busy":
      return "waits for others";
    case "full":
      return needs === 0
        ? "does not fit"
        : `does not fit (needs ${formatBytes(needs)}, has ${formatBytes(has)})`;
    default:
      return state;
  }
}
