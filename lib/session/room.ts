/** The room: all machines that take part in a torrent, how far they are, and which one is slow, and why. */
import { formatEndpoint } from "../protocol/endpoint.ts";
import type { Bottleneck } from "../protocol/host_report.ts";
import { HOSTS } from "../settings.ts";
import type { RemotePeerSnapshot } from "../swarm/ports.ts";
import type { TrackedHost } from "../swarm/tracker/host_list.ts";
import type { TorrentSnapshot } from "./torrent_snapshot.ts";

/** What a machine does with a torrent. One that has left is "gone"; one that has no metadata yet is "waiting". */
type HostState = "downloading" | "done" | "paused" | "failed" | "checking" | "waiting" | "gone";

/** One machine. Members without a value are left out. Rates in bytes per second, times in ms since 1970. */
export interface HostView {
  /** Its address and port: one name for its whole life. */
  readonly endpoint: string;
  /** The name that it gave itself; other programs give none. */
  readonly name?: string;
  readonly client?: string;
  readonly isSelf: boolean;
  readonly isAnnouncer: boolean;
  readonly state: HostState;
  /** Part of the data that it has, 0 to 1. */
  readonly part?: number;
  /** Bytes that it lacks. */
  readonly left?: number;
  readonly downloadRate?: number;
  readonly uploadRate?: number;
  /** Seconds until it is done, at its present rate. */
  readonly etaS?: number;
  /** Why it is slower than the others, in a few words. */
  readonly slow?: string;
  readonly firstSeenAt?: number;
  readonly doneAt?: number;
  readonly goneSince?: number;
}

/** The room in numbers. */
export interface RoomView {
  readonly hosts: number;
  /** Those that have all they want; also one that has left since. */
  readonly done: number;
  /** Those that have left before. */
  readonly gone: number;
  readonly slow: number;
  /** Part of the data of all hosts together that is there, 0 to 1; those that have gone count. */
  readonly together: number;
  /** Seconds until the last one is done; left out where that cannot be told. */
  readonly lastInS?: number;
  /** Copies of the data that this machine has sent, and that the others have from one another. */
  readonly sentCopies?: number;
  readonly othersCopies?: number;
}

/** What a room is seen by. */
export interface RoomFacts {
  readonly snapshot: TorrentSnapshot;
  /** The machines that the embedded tracker knows; times in ms of the clock that `now` is of. */
  readonly tracked: readonly TrackedHost[];
  /** What others call this machine, and where they reach it. */
  readonly self: { readonly name: string; readonly client: string; readonly endpoint: string };
  readonly now: number;
  /** The same moment in ms since 1970. */
  readonly wallClock: number;
}

/** A host before the others are known that it is compared with. */
interface Seen extends Omit<HostView, "slow"> {
  readonly bottleneck?: Bottleneck | undefined;
  /** The rate by which it is told whether it is slow, where that is not `downloadRate`. */
  readonly effectiveRate?: number;
}

/** All machines of a torrent: this one, those that announced it here, and those that are connected. */
export function hostsOf(facts: RoomFacts): HostView[] {
  const { snapshot, tracked } = facts;
  const connected = new Map<TrackedHost, RemotePeerSnapshot>();
  const strangers: RemotePeerSnapshot[] = [];
  const known = namesOf(tracked);
  for (const peer of snapshot.peers) {
    if (peer.source === "web seed") continue;
    const host = known.get(peer.peerId) ?? known.get(peer.endpoint) ?? known.get(peer.address);
    if (host === undefined) strangers.push(peer);
    else connected.set(host, peer);
  }
  const seen = [
    selfOf(facts),
    ...tracked.map((host) => trackedHost(host, connected.get(host), facts)),
    ...strangers.map((peer) => strangerOf(peer, snapshot)),
  ];
  const usual = usualRateOf(seen, snapshot.length, facts.wallClock);
  return seen.map((host) => withReason(host, usual, facts.wallClock));
}

/**
 * Tracked hosts by peer id and by endpoint, and by address where only one has that address: other programs may dial from
 * any port.
 */
function namesOf(tracked: readonly TrackedHost[]): ReadonlyMap<string, TrackedHost> {
  const names = new Map<string, TrackedHost>();
  const shared = new Set<string>();
  for (const host of tracked) {
    const { address } = host.endpoint;
    if (names.has(address)) shared.add(address);
    names.set(address, host).set(formatEndpoint(host.endpoint), host).set(host.peerId, host);
  }
  for (const address of shared) names.delete(address);
  return names;
}

function selfOf({ snapshot, self }: RoomFacts): Seen {
  const { left, downloadRate, uploadRate, role, addedAt, completedAt, etaS, finished, length } = snapshot;
  return {
    endpoint: self.endpoint,
    name: self.name,
    client: self.client,
    isSelf: true,
    isAnnouncer: role === "announcer",
    state: ownState(snapshot),
    ...(length > 0 && { part: finished ? 1 : 1 - left / length, left }),
    downloadRate,
    uploadRate,
    firstSeenAt: addedAt,
    ...(finished && completedAt !== undefined && { doneAt: completedAt }),
    ...(etaS !== undefined && { etaS }),
  };
}

function ownState({ state, finished }: TorrentSnapshot): HostState {
  switch (state) {
    case "fetching metadata":
    case "queued":
    case "leaving":
      return "waiting";
    case "seeding":
      return "done";
    case "paused":
      return finished ? "done" : "paused";
    default:
      return state;
  }
}

function trackedHost(host: TrackedHost, peer: RemotePeerSnapshot | undefined, facts: RoomFacts): Seen {
  const { snapshot: { length, pieces }, now, wallClock } = facts;
  const { endpoint, name, client, activity, bottleneck, uploadRate } = host;
  // Other programs announce once in many minutes, but tell each peer of every piece.
  const isStranger = name === undefined && peer !== undefined;
  const downloadRate = isStranger ? peer.progressRate : host.downloadRate;
  const pace = isStranger ? downloadRate : host.pace || downloadRate;
  const toWallClock = (time: number) => Math.round(wallClock - (now - time));
  const told = host.left === undefined || length === 0 ? undefined : 1 - host.left / length;
  const isDone = activity === "seeding" || told === 1;
  // A connected peer tells of each piece at once, an announce comes seconds later.
  const part = isDone ? 1 : Math.max(told ?? 0, peer === undefined || pieces === 0 ? 0 : peer.have / pieces);
  const left = Math.round((1 - Math.min(1, part)) * length);
  const isGone = host.goneSince !== undefined && peer === undefined;
  const doneAt = host.doneAt ?? (part === 1 ? now : undefined);
  return {
    endpoint: formatEndpoint(endpoint),
    ...(name !== undefined && { name }),
    client: peer?.client ?? client,
    isSelf: false,
    isAnnouncer: false,
    state: isGone ? "gone" : part === 1 || activity === "seeding" ? "done" : activity,
    part,
    left,
    downloadRate: isGone || part === 1 ? 0 : downloadRate,
    uploadRate: isGone ? 0 : uploadRate,
    ...(!isGone && left > 0 && pace > 0 && { etaS: Math.ceil(left / pace) }),
    firstSeenAt: toWallClock(host.firstSeenAt),
    ...(doneAt !== undefined && part === 1 && { doneAt: toWallClock(doneAt) }),
    ...(isGone && { goneSince: toWallClock(host.goneSince!) }),
    bottleneck,
    ...!isStranger && { effectiveRate: effectiveRateOf(host) },
  };
}

/** How fast a host comes nearer to its end: what it receives helps only once a disk that is behind has stored it. */
function effectiveRateOf({ steadyRate, pace, bottleneck }: TrackedHost): number {
  return bottleneck === "disk" && pace !== undefined ? Math.min(steadyRate, pace) : steadyRate;
}

/** A connected peer that announces elsewhere. */
function strangerOf(peer: RemotePeerSnapshot, { pieces, length }: TorrentSnapshot): Seen {
  const part = pieces === 0 ? undefined : peer.have / pieces;
  const left = part === undefined ? 0 : Math.round((1 - part) * length);
  const downloadRate = peer.progressRate;
  return {
    endpoint: peer.endpoint,
    client: peer.client,
    isSelf: false,
    isAnnouncer: false,
    state: peer.isSeed ? "done" : "downloading",
    ...(part !== undefined && { part, left }),
    downloadRate: peer.isSeed ? 0 : downloadRate,
    uploadRate: peer.downloadRate,
    ...(left > 0 && downloadRate > 0 && { etaS: Math.ceil(left / downloadRate) }),
  };
}

/**
 * The rate that is usual in this room, in bytes per second: the median of all that load and have warmed up, or have
 * loaded. Another program whose rate is not known yet counts for nothing.
 */
function usualRateOf(seen: readonly Seen[], length: number, wallClock: number): number {
  const rates = seen.flatMap((host) => {
    const { state, name, downloadRate = 0, firstSeenAt, doneAt } = host;
    if (state === "downloading") {
      return isNew(host, wallClock) || name === undefined && downloadRate === 0 ? [] : [downloadRate];
    }
    const seconds = ((doneAt ?? 0) - (firstSeenAt ?? 0)) / 1_000;
    return state === "done" && doneAt !== undefined && seconds >= 1 ? [length / seconds] : [];
  }).sort((a, b) => a - b);
  return rates.length < 2 ? 0 : rates[rates.length >> 1];
}

/** Whether a host came just now, so that its first blocks may still be on their way. */
function isNew({ firstSeenAt }: Seen, wallClock: number): boolean {
  return firstSeenAt === undefined || wallClock - firstSeenAt < HOSTS.warmUpMs;
}

function withReason(seen: Seen, usual: number, wallClock: number): HostView {
  const { bottleneck, effectiveRate, ...host } = seen;
  const { state, downloadRate = 0 } = host;
  if (state === "failed") return bottleneck === "full" ? { ...host, slow: "its disk is full" } : host;
  if (state !== "downloading" || isNew(seen, wallClock)) return host;
  if ((effectiveRate ?? downloadRate) >= HOSTS.slowShare * usual) return host;
  return { ...host, slow: reasonOf(bottleneck) };
}

function reasonOf(bottleneck: Bottleneck | undefined): string {
  switch (bottleneck) {
    case "disk":
      return "its disk";
    case "link":
      return "its network";
    case "limit":
      return "its own limit";
    case "slots":
      return "nobody gives it a slot";
    case "sources":
      return "finds nobody who has what it lacks";
    case "full":
      return "its disk is full";
    case undefined:
      return "its network or its disk";
  }
}

/** The room in numbers; undefined while this machine is alone. */
export function roomOf(hosts: readonly HostView[], snapshot: TorrentSnapshot): RoomView | undefined {
  if (hosts.length < 2) return undefined;
  const count = (matches: (host: HostView) => boolean) => hosts.filter(matches).length;
  const isWhole = ({ state, part }: HostView) => state === "gone" && part === 1;
  const together = hosts.reduce((sum, { part = 0 }) => sum + part, 0) / hosts.length;
  const lastInS = lastInOf(hosts);
  const { length, uploaded } = snapshot;
  const atOthers = hosts.reduce((sum, { isSelf, part = 0 }) => isSelf ? sum : sum + part, 0);
  const sentCopies = length === 0 ? 0 : uploaded / length;
  return {
    hosts: hosts.length,
    done: count((host) => host.state === "done" || isWhole(host)),
    gone: count((host) => host.state === "gone" && !isWhole(host)),
    slow: count(({ slow }) => slow !== undefined),
    together: Math.floor(together * 1_000) / 1_000,
    ...(lastInS !== undefined && { lastInS }),
    ...(uploaded > 0 && {
      sentCopies: Math.round(sentCopies * 10) / 10,
      othersCopies: Math.max(0, Math.round((atOthers - sentCopies) * 10) / 10),
    }),
  };
}

/** When the last host is done that is still at it; undefined where one of them gets nothing, or none is at it. */
function lastInOf(hosts: readonly HostView[]): number | undefined {
  const loading = hosts.filter(({ state }) => state === "downloading" || state === "checking");
  if (loading.length === 0 || loading.some(({ etaS }) => etaS === undefined)) return undefined;
  return Math.max(...loading.map(({ etaS = 0 }) => etaS));
}
