/** The machines that announced one torrent to the embedded tracker, also those that left: what a room looks like. */
import { toByteString } from "../../protocol/bytes.ts";
import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { Bottleneck, HostActivity, HostReport } from "../../protocol/host_report.ts";
import { clientNameOf, isOurKind } from "../../protocol/peer_id.ts";
import type { AnnounceRequest } from "../../protocol/tracker_messages.ts";
import { HOSTS, TRACKER } from "../../settings.ts";
import { RecentMap } from "../recent_map.ts";

/** Endpoints of which it is remembered who announced there before. */
const MAX_REPLACED = 1_000;

/** A machine as it announced itself. Sizes in bytes, rates in bytes per second, times in ms of the caller's clock. */
export interface TrackedHost {
  readonly endpoint: Endpoint;
  /** 40 hex digits. */
  readonly peerId: string;
  /** The name that it gave itself; undefined for other clients. */
  readonly name: string | undefined;
  /** Its program, for people. */
  readonly client: string;
  /** Bytes that it lacks; undefined while it does not know. */
  readonly left: number | undefined;
  /** Stored bytes of what it wants; undefined for other clients. */
  readonly have: number | undefined;
  readonly downloadRate: number;
  /** The higher one of its last two rates: one slow moment makes no slow machine. */
  readonly steadyRate: number;
  readonly uploadRate: number;
  /** Bytes a second by which it has come nearer to its end, over its last reports; undefined while that is not known. */
  readonly pace: number | undefined;
  readonly activity: HostActivity;
  readonly bottleneck: Bottleneck | undefined;
  readonly firstSeenAt: number;
  /** When it was complete for the first time that we know of. */
  readonly doneAt: number | undefined;
  /** Since when nothing was heard of it; undefined while it is there. */
  readonly goneSince: number | undefined;
}

/** A machine, and what it told at its last announce: bytes moved since it began, and when that was, in ms. */
interface Entry {
  readonly host: TrackedHost;
  readonly heardAt: number;
  readonly uploaded: number;
  readonly downloaded: number;
  /** The address that its announces come from. */
  readonly sender: string;
  /** How long it may be silent before it counts as gone, in ms. */
  readonly patienceMs: number;
}

/**
 * The hosts of one torrent.
 *
 * A machine is known again by its peer id together with the secret key that it tells trackers alone, so that one with
 * addresses of both families is one host, and nobody else can speak for it. Other programs are known by their endpoint.
 * A machine that begins anew at the same endpoint is the same host. Hosts that left stay, and make room first.
 */
export class HostList {
  /** The entries by identity, the least recently heard one first. */
  readonly #entries = new Map<string, Entry>();
  /** Identities by endpoint. */
  readonly #identities = new Map<string, string>();
  /** How many hosts each address has announced. */
  readonly #countOf = new Map<string, number>();
  /** Identities of the hosts that said goodbye, the earliest first. */
  readonly #left = new Set<string>();

  /** Identities that others have replaced at an endpoint. */
  readonly #replaced = new RecentMap<string, readonly string[]>(MAX_REPLACED);
  /** Endpoints that two machines claim, and when that was seen last. */
  readonly #doubles = new RecentMap<string, number>(MAX_REPLACED);

  /** Endpoints (`host:port`) that two machines at once say are theirs, as far as it was seen since a moment in ms. */
  doublesSince(moment: number): string[] {
    return [...this.#doubles].filter(([, seenAt]) => seenAt >= moment).map(([place]) => place);
  }

  /** All hosts at `now`, in no order. */
  hosts(now: number): TrackedHost[] {
    return Array.from(
      this.#entries.values(),
      ({ host, heardAt, patienceMs }) =>
        host.goneSince === undefined && now - heardAt > patienceMs ? { ...host, goneSince: heardAt } : host,
    );
  }

  /** The name that the host at an endpoint (`host:port`) gave itself. */
  nameAt(place: string): string | undefined {
    const identity = this.#identities.get(place);
    return identity === undefined ? undefined : this.#entries.get(identity)?.host.name;
  }

  /** Hosts that are known. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Seconds after which a machine that lacks `left` bytes shall report again, so that all together are not too much for a
   * tracker.
   */
  reportIntervalSeconds(left: number | undefined): number {
    const least = left === 0 ? HOSTS.doneReportSeconds : HOSTS.minReportSeconds;
    return Math.max(least, Math.ceil(HOSTS.secondsPerRoot * Math.sqrt(this.#entries.size)));
  }

  /** Notes an announce of a peer at `endpoint`, which came from the address `sender`. */
  note(request: AnnounceRequest, endpoint: Endpoint, sender: string, now: number): void {
    const place = formatEndpoint(endpoint);
    const identity = request.key === undefined ? place : `${request.key} ${toByteString(request.peerId)}`;
    const present = this.#entries.get(identity);
    const before = present ?? this.#successorOf(place, sender, endpoint.address);
    if (before === "stranger") return;
    if (before === undefined && !this.#hasRoomFor(sender)) return;
    this.#noteReplaced(place, identity, now);
    this.#remove(identity);
    const kept = present?.host.endpoint ?? endpoint;
    this.#add(
      identity,
      entryOf(request, kept, sender, before, now, this.reportIntervalSeconds(request.left)),
    );
    this.#identities.set(formatEndpoint(kept), identity);
  }

  /** A machine that begins anew never comes back as what it was before; two that take turns do. */
  #noteReplaced(place: string, identity: string, now: number): void {
    const present = this.#identities.get(place);
    if (present === undefined || present === identity) return;
    const replaced = this.#replaced.get(place) ?? [];
    if (replaced.includes(identity)) this.#doubles.set(place, now);
    this.#replaced.set(place, [present, ...replaced.filter((each) => each !== present)].slice(0, 2));
  }

  #add(identity: string, entry: Entry): void {
    this.#entries.set(identity, entry);
    this.#countOf.set(entry.sender, (this.#countOf.get(entry.sender) ?? 0) + 1);
    if (entry.host.goneSince !== undefined) this.#left.add(identity);
  }

  #remove(identity: string): Entry | undefined {
    const entry = this.#entries.get(identity);
    if (entry === undefined) return undefined;
    this.#entries.delete(identity);
    this.#left.delete(identity);
    const count = this.#countOf.get(entry.sender)! - 1;
    if (count === 0) this.#countOf.delete(entry.sender);
    else this.#countOf.set(entry.sender, count);
    return entry;
  }

  /** Takes out the entry that a machine at this place had before it began anew; a stranger may not take it over. */
  #successorOf(place: string, sender: string, address: string): Entry | "stranger" | undefined {
    const identity = this.#identities.get(place);
    const entry = identity === undefined ? undefined : this.#entries.get(identity);
    if (entry === undefined) return undefined;
    if (entry.sender !== sender && sender !== address) return "stranger";
    return this.#remove(identity!);
  }

  /** Whether one more host may be noted; the one that left first makes room. */
  #hasRoomFor(sender: string): boolean {
    if ((this.#countOf.get(sender) ?? 0) >= TRACKER.maxPeersPerAddress) return false;
    if (this.#entries.size < HOSTS.maxPerTorrent) return true;
    const [earliest] = this.#left;
    if (earliest === undefined) return false;
    this.#identities.delete(formatEndpoint(this.#remove(earliest)!.host.endpoint));
    return true;
  }
}

function entryOf(
  request: AnnounceRequest,
  endpoint: Endpoint,
  sender: string,
  before: Entry | undefined,
  now: number,
  reportIntervalSeconds: number,
): Entry {
  const { report, left, uploaded, downloaded, event } = request;
  // A machine whose user has paused it announces that it stops, and is still there.
  const isPaused = report?.activity === "paused";
  const isGone = event === "stopped" && !isPaused;
  const rates = report ?? ratesSince(before, request, now);
  const isDone = left === 0;
  const downloadRate = isGone || isDone ? 0 : rates.downloadRate;
  const host: TrackedHost = {
    endpoint,
    peerId: request.peerId.toHex(),
    name: report?.name ?? before?.host.name,
    client: clientNameOf(request.peerId),
    left,
    have: report?.have,
    downloadRate,
    steadyRate: Math.max(downloadRate, before?.host.downloadRate ?? 0),
    uploadRate: isGone ? 0 : rates.uploadRate,
    pace: paceOf(before, request, now),
    activity: report?.activity ?? (isDone ? "seeding" : event === "paused" ? "paused" : "downloading"),
    bottleneck: report?.bottleneck,
    firstSeenAt: before?.host.firstSeenAt ?? now,
    doneAt: isDone ? before?.host.doneAt ?? now : undefined,
    goneSince: isGone ? now : undefined,
  };
  const patienceMs = isPaused ? Infinity : patienceMsOf(request, reportIntervalSeconds);
  return { host, sender, heardAt: now, patienceMs, uploaded, downloaded };
}

/** How fast it lacks less: what comes to a slow disk soon lacks nothing but the disk's time, and has no rate any more. */
function paceOf(before: Entry | undefined, { left }: AnnounceRequest, now: number): number | undefined {
  const { left: leftBefore, pace } = before?.host ?? {};
  if (before === undefined || left === undefined || leftBefore === undefined) return undefined;
  const seconds = (now - before.heardAt) / 1_000;
  if (seconds < 1) return pace;
  const latest = Math.max(0, leftBefore - left) / seconds;
  const weight = 1 - Math.exp(-seconds * 1_000 / HOSTS.paceMs);
  return pace === undefined ? latest : pace + (latest - pace) * weight;
}

/** How long a machine may be silent before it counts as gone, in ms. */
function patienceMsOf({ report, peerId }: AnnounceRequest, reportIntervalSeconds: number): number {
  if (report !== undefined) {
    return Math.max(reportIntervalSeconds * 1_000 * HOSTS.silentReports, HOSTS.minSilenceMs);
  }
  return isOurKind(peerId)
    ? TRACKER.intervalSeconds * 1_000 * TRACKER.silentIntervals
    : TRACKER.strangersSilenceMs;
}

/** The rates of a client that reports none, from what it had moved at its announce before. */
function ratesSince(
  before: Entry | undefined,
  { uploaded, downloaded }: AnnounceRequest,
  now: number,
): Pick<HostReport, "downloadRate" | "uploadRate"> {
  const seconds = before === undefined ? 0 : (now - before.heardAt) / 1_000;
  if (before === undefined || seconds < 1) return { downloadRate: 0, uploadRate: 0 };
  return {
    downloadRate: Math.max(0, downloaded - before.downloaded) / seconds,
    uploadRate: Math.max(0, uploaded - before.uploaded) / seconds,
  };
}
