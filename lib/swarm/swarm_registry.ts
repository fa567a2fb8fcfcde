/**
 * The owner of all swarms: finds one by info-hash, lets time pass for them, and is the embedded tracker's only door,
 * so that a peer that announces to us is told to our peers at once and dialled by ourselves.
 */
import type { InfoHash } from "../protocol/info_hash.ts";
import { skeyHash } from "../protocol/mse.ts";
import type { AnnounceRequest, ScrapeCounts } from "../protocol/tracker_messages.ts";
import type { MetadataSwarm } from "./metadata_swarm.ts";
import type { Swarm } from "./swarm.ts";
import type { AnnounceResult, TrackerTable } from "./tracker/tracker_table.ts";

/** A swarm in the registry, or what stands in for it until the metadata is there. */
export type AnySwarm = Swarm | MetadataSwarm;

/** All swarms of the process. */
export class SwarmRegistry {
  readonly #swarms = new Map<InfoHash, AnySwarm>();
  readonly #bySkeyHash = new Map<string, InfoHash>();
  readonly #table: TrackerTable;
  readonly #own: { readonly peerId: Uint8Array; readonly port: number };
  /** Info-hashes whose list changed since it was last compared. */
  readonly #changed = new Set<InfoHash>();

  constructor(table: TrackerTable, own: { readonly peerId: Uint8Array; readonly port: number }) {
    this.#table = table;
    this.#own = own;
  }

  find(infoHash: InfoHash): AnySwarm | undefined {
    return this.#swarms.get(infoHash);
  }

  /** The info-hash of the swarm that an encrypted handshake names by this `skeyHash`. */
  findInfoHash(hash: string): InfoHash | undefined {
    return this.#bySkeyHash.get(hash);
  }

  get swarms(): Iterable<AnySwarm> {
    return this.#swarms.values();
  }

  /** Takes a swarm in, in place of another one of its info-hash, and has the embedded tracker serve it. */
  add(swarm: AnySwarm): void {
    this.#swarms.set(swarm.infoHash, swarm);
    this.#bySkeyHash.set(skeyHash(swarm.infoHash), swarm.infoHash);
    this.#changed.add(swarm.infoHash);
    this.#table.serve(swarm.infoHash);
    this.statusChanged(swarm);
  }

  /** Lets go of a swarm: nobody finds it here, and the embedded tracker serves it no more. */
  remove(infoHash: InfoHash): void {
    this.#swarms.delete(infoHash);
    this.#bySkeyHash.delete(skeyHash(infoHash));
    this.#changed.delete(infoHash);
    this.#table.unserve(infoHash);
  }

  /** Our own entry in the embedded tracker's list follows what we have; there is none while we rest. */
  statusChanged(swarm: AnySwarm): void {
    if (swarm.state === "paused") return this.#table.setOwn(swarm.infoHash, undefined);
    const standing = { isSeed: swarm.seeding, wantsMore: !swarm.isFinished };
    this.#table.setOwn(swarm.infoHash, { ...this.#own, ...standing });
  }

  /**
   * Takes an announce that came from `source`, for a peer at `address`. Where the list changed by it, our peers are told,
   * and we may dial the announcer ourselves unless it left. Undefined when its info-hash is not served. `now` in ms.
   */
  announce(
    request: AnnounceRequest,
    address: string,
    now: number,
    source = address,
  ): AnnounceResult | undefined {
    const { infoHash, port, event } = request;
    if (!this.#table.isServed(infoHash)) return undefined;
    const result = this.#table.announce(request, address, now, source);
    const swarm = this.#swarms.get(infoHash);
    if (!result.membershipChanged || swarm === undefined) return result;
    this.#changed.add(infoHash);
    if (event !== "stopped") swarm.addPeers([{ address, port }], "tracker");
    this.#tellChanges(now);
    return result;
  }

  /** Counts of an info-hash (BEP 48); undefined when the embedded tracker does not track it. */
  scrape(infoHash: InfoHash): ScrapeCounts | undefined {
    return this.#table.scrape(infoHash);
  }

  /** Swarms with connections: the others have nothing that cannot wait a second. */
  get busySwarms(): Iterable<AnySwarm> {
    return this.#swarms.values().filter((swarm) => swarm.connectionCount > 0);
  }

  /** Everything that waits for time to pass; called every `TICK_MS`, for all swarms only in a full turn. */
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
      swarm?.extensions.broadcast.update(this.#table.list(infoHash), now);
    }
  }
}
