/**
 * The owner of all swarms: it finds a swarm by its info-hash and lets time pass for all of them. Every announce to the
 * embedded tracker comes through here, so that our peers hear of the announcing peer at once and we dial it ourselves.
 */
import { equalBytes } from "../protocol/bytes.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { skeyHash } from "../protocol/mse.ts";
import { isOurKind } from "../protocol/peer_id.ts";
import type { AnnounceRequest, ScrapeCounts } from "../protocol/tracker_messages.ts";
import { HostList, type TrackedHost } from "./tracker/host_list.ts";
import type { SwarmEvent } from "./ports.ts";
import { LookupSwarm } from "./fleet/lookup_swarm.ts";
import type { MetadataSwarm } from "./metadata_swarm.ts";
import type { Swarm } from "./swarm.ts";
import type { AnnounceResult, TrackerTable } from "./tracker/tracker_table.ts";

/** A swarm, or the one that stands in for it until the metadata is there. */
export type AnySwarm = Swarm | MetadataSwarm;

/** The same, or a swarm of a lookup hash, which is no torrent: nothing is reported of it. */
export type RegisteredSwarm = AnySwarm | LookupSwarm;

/** All swarms of the process. */
export class SwarmRegistry {
  readonly #swarms = new Map<InfoHash, RegisteredSwarm>();
  readonly #bySkeyHash = new Map<string, InfoHash>();
  readonly #table: TrackerTable;
  readonly #own: { readonly peerId: Uint8Array; readonly port: number };
  /** The machines that announced each of our swarms. */
  readonly #hosts = new Map<InfoHash, HostList>();
  readonly #report: (event: SwarmEvent) => void;
  /** Info-hashes whose list of peers changed since our peers were last told of it. */
  readonly #changed = new Set<InfoHash>();

  /** `report` hears of each change of the embedded tracker's lists of our own torrents. */
  constructor(
    table: TrackerTable,
    own: { readonly peerId: Uint8Array; readonly port: number },
    report: (event: SwarmEvent) => void = () => {},
  ) {
    this.#table = table;
    this.#own = own;
    this.#report = report;
  }

  find(infoHash: InfoHash): RegisteredSwarm | undefined {
    return this.#swarms.get(infoHash);
  }

  /** The info-hash of the swarm that an encrypted handshake names by this `skeyHash`. */
  findInfoHash(hash: string): InfoHash | undefined {
    return this.#bySkeyHash.get(hash);
  }

  get swarms(): Iterable<RegisteredSwarm> {
    return this.#swarms.values();
  }

  /** Adds a swarm, or replaces the one with the same info-hash. The embedded tracker serves it from now on. */
  add(swarm: RegisteredSwarm): void {
    const before = this.#swarms.get(swarm.infoHash);
    if (before !== undefined) swarm.extensions.broadcast.goOnFrom(before.extensions.broadcast);
    this.#swarms.set(swarm.infoHash, swarm);
    this.#bySkeyHash.set(skeyHash(swarm.infoHash), swarm.infoHash);
    this.#changed.add(swarm.infoHash);
    this.#table.serve(swarm.infoHash);
    this.statusChanged(swarm);
  }

  /** Removes a swarm. The embedded tracker no longer serves it. */
  remove(infoHash: InfoHash): void {
    this.#swarms.delete(infoHash);
    this.#bySkeyHash.delete(skeyHash(infoHash));
    this.#changed.delete(infoHash);
    this.#hosts.delete(infoHash);
    this.#table.unserve(infoHash);
  }

  /** Updates our own entry in the embedded tracker's list after the swarm's status changed; a paused swarm has none. */
  statusChanged(swarm: RegisteredSwarm): void {
    if (swarm.state === "paused") return this.#table.setOwn(swarm.infoHash, undefined);
    const standing = { isSeed: swarm.seeding, wantsMore: !swarm.isFinished };
    this.#table.setOwn(swarm.infoHash, { ...this.#own, ...standing });
  }

  /**
   * Takes an announce that came from the address `sender`, about a peer at `address`. When it changes the list, our
   * peers hear of it, and we may dial the peer ourselves unless it left. `now` in ms.
   *
   * Returns undefined when the info-hash is not served.
   */
  announce(
    request: AnnounceRequest,
    address: string,
    now: number,
    sender = address,
  ): AnnounceResult | undefined {
    const { infoHash, port, event } = request;
    if (!this.#table.isServed(infoHash)) return undefined;
    const swarm = this.#swarms.get(infoHash);
    const reporting = swarm && this.#noteHost(request, address, sender, now);
    const result = { ...this.#table.announce(request, address, now, sender), ...reporting };
    if (!result.membershipChanged || swarm === undefined) return result;
    this.#changed.add(infoHash);
    if (event !== "stopped") swarm.addPeers([{ address, port }], "tracker");
    this.#tellChanges(now);
    return result;
  }

  /** Notes the machine that announces a swarm of ours; returns when it shall report again, if it is of our kind. */
  #noteHost(request: AnnounceRequest, address: string, sender: string, now: number) {
    const { infoHash, peerId, port } = request;
    if (equalBytes(peerId, this.#own.peerId)) return undefined;
    const hosts = this.#hosts.get(infoHash) ?? new HostList();
    this.#hosts.set(infoHash, hosts);
    hosts.note(request, { address, port }, sender, now);
    if (!isOurKind(peerId)) return undefined;
    return { reportIntervalSeconds: hosts.reportIntervalSeconds(request.left) };
  }

  /** Endpoints (`host:port`) that two machines at once announce as theirs, seen since a moment in ms. */
  doublesSince(infoHash: InfoHash, moment: number): string[] {
    return this.#hosts.get(infoHash)?.doublesSince(moment) ?? [];
  }

  /** Whether any machine has announced this swarm. */
  hasHosts(infoHash: InfoHash): boolean {
    return this.#hosts.has(infoHash);
  }

  /** The machines that announced one of our swarms, also those that left. */
  hosts(infoHash: InfoHash, now: number): TrackedHost[] {
    return this.#hosts.get(infoHash)?.hosts(now) ?? [];
  }

  /** Counts of an info-hash (BEP 48); undefined when the embedded tracker does not track it. */
  scrape(infoHash: InfoHash): ScrapeCounts | undefined {
    return this.#table.scrape(infoHash);
  }

  /** How many peers the embedded tracker lists for an info-hash, ourselves not counted. */
  listedCount(infoHash: InfoHash): number {
    return this.#table.sizeOf(infoHash);
  }

  /** Swarms with connections. Everything in the other swarms can wait a second. */
  get busySwarms(): Iterable<RegisteredSwarm> {
    return this.#swarms.values().filter((swarm) => swarm.connectionCount > 0);
  }

  /** Does everything that waits for time to pass. Called every `TICK_MS`; only a full turn reaches all swarms. */
  tick(now: number, isFullTurn: boolean): void {
    if (isFullTurn) { for (const infoHash of this.#table.expire(now)) this.#changed.add(infoHash); }
    for (const swarm of isFullTurn ? this.swarms : this.busySwarms) swarm.tick(now);
    this.#tellChanges(now);
  }

  #tellChanges(now: number): void {
    for (const infoHash of this.#changed) {
      const swarm = this.#swarms.get(infoHash);
      if (swarm?.extensions.broadcast.isDue(now) === false) continue;
      this.#changed.delete(infoHash);
      const change = swarm?.extensions.broadcast.update(this.#table.list(infoHash), now);
      if (change === undefined || swarm instanceof LookupSwarm) continue;
      const names = this.#namesOf(infoHash, [...change.joined, ...change.left, ...change.finished]);
      this.#report({ event: "tracker", infoHash, ...change, names });
    }
  }

  /** The names that machines gave themselves, by their endpoints (`host:port`). */
  #namesOf(infoHash: InfoHash, places: readonly string[]): Record<string, string> {
    const hosts = this.#hosts.get(infoHash);
    return Object.fromEntries(places.flatMap((place) => {
      const name = hosts?.nameAt(place);
      return name === undefined ? [] : [[place, name]];
    }));
  }
}
