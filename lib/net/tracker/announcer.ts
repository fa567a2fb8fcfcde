import { messageOf, TrackerError } from "../../errors.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { HostReport } from "../../protocol/host_report.ts";
import type { AnnounceReply, AnnounceRequest } from "../../protocol/tracker_messages.ts";
import { ANNOUNCING, CONNECTIONS } from "../../settings.ts";
import type { DueAnnounce } from "../../swarm/tracker/announce_schedule.ts";
import { type StandIns, Succession } from "../../swarm/tracker/succession.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { PeerSource } from "../../swarm/ports.ts";
import { announceToTracker } from "./tracker_client.ts";
import type { TrackerTraffic } from "./tracker_traffic.ts";

/** A swarm, as far as it concerns trackers. */
export interface AnnouncedSwarm extends Pick<AnnounceRequest, "infoHash"> {
  readonly totals: Pick<AnnounceRequest, "uploaded" | "downloaded" | "left">;
  /** Whether the swarm wants nothing more; with something `left`, it is a partial seed (BEP 21). */
  readonly isFinished: boolean;
  /** The trackers that stand in for the torrent's own; undefined where none may. */
  readonly standIns?: StandIns | undefined;
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void;
}

/** Everything that an announcer needs. */
export interface AnnouncerOptions {
  readonly swarm: AnnouncedSwarm;
  /** Announce URLs, tier by tier (BEP 12). */
  readonly tiers: readonly (readonly string[])[];
  /** Shared by all announcers of the process. */
  readonly traffic: TrackerTraffic;
  /** Hears of each announce that failed, and why. */
  readonly failed: ((url: string, reason: string) => void) | undefined;
  /** The report of this machine, for trackers of our kind on the local network; undefined while there is none. */
  readonly report?: () => HostReport | undefined;
  readonly surroundings: Surroundings;
}

/** A tracker whose last announce failed. */
export interface TrackerFailure {
  /** The tracker's host, with its port where the URL names one. */
  readonly host: string;
  /** Safe to print. */
  readonly reason: string;
  /** When the next announce is due, in ms of the announcer's clock. */
  readonly nextTryAt: number;
}

/** What is known of one tracker. Times in ms of the announcer's clock. */
export interface TrackerStatus {
  /** "idle": it was not asked yet, since another tracker of its tier is. */
  readonly state: "idle" | "announcing" | "ok" | "failed";
  /** The numbers of its last answer, where it told them. */
  readonly seeders?: number | undefined;
  readonly leechers?: number | undefined;
  readonly downloads?: number | undefined;
  /** Peers that its last answer named. */
  readonly peersHeard: number;
  readonly lastAnnounceAt: number | undefined;
  readonly nextAnnounceAt: number | undefined;
  /** Why the last announce failed, safe to print; undefined unless it did. */
  readonly failure: string | undefined;
}

/** Announces one torrent to its trackers, and adds the peers that they name to the swarm. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #schedule: Succession;
  #tiers: AnnouncerOptions["tiers"];
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Trackers whose last announce failed, by URL. */
  readonly #failures = new Map<string, TrackerFailure>();
  /** The last answer of each tracker, by URL, and its time in ms. */
  readonly #answers = new Map<string, { reply: AnnounceReply; at: number }>();

  /** URLs of trackers that want reports. */
  readonly #reportedTo = new Set<string>();

  /** When this announcer began, in ms. */
  readonly startedAt: number;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#tiers = options.tiers;
    this.startedAt = options.surroundings.now();
    const { tiers, swarm, surroundings } = options;
    this.#schedule = new Succession(tiers, swarm.standIns, surroundings.random);
  }

  /** Whether there is any tracker to announce to. */
  get hasTrackers(): boolean {
    return this.#tiers.some((tier) => tier.length > 0);
  }

  /** Whether none of the torrent's trackers answers, so that others of our kind stand in. */
  get isHandedOver(): boolean {
    return this.#schedule.isHandedOver;
  }

  /** The announce URLs of trackers that stand in, or that only keep a copy of the list for that case. */
  get successorUrls(): string[] {
    return this.#schedule.successorUrls;
  }

  /** The torrent's trackers whose last announce failed. */
  get failures(): TrackerFailure[] {
    return [...this.#failures.values()];
  }

  /** What is known of the tracker at a URL; undefined where the torrent is not announced to it. */
  statusOf(url: string): TrackerStatus | undefined {
    const plan = this.#schedule.planOf(url);
    if (plan === undefined) return undefined;
    const failure = this.#failures.get(url);
    const { reply, at } = this.#answers.get(url) ?? {};
    return {
      state: plan.isUnderWay ? "announcing" : failure ? "failed" : reply ? "ok" : "idle",
      seeders: reply?.complete,
      leechers: reply?.incomplete,
      downloads: reply?.downloaded,
      peersHeard: reply?.peers.length ?? 0,
      lastAnnounceAt: at,
      nextAnnounceAt: plan.nextAt,
      failure: failure?.reason,
    };
  }

  /** Makes the announces that are due; called every `TICK_MS`, and at once where the user waits. */
  tick(): void {
    for (const announce of this.#schedule.due(this.#options.surroundings.now())) {
      const running = this.#announce(announce).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  /** Announces to other URLs from now on, tier by tier; nothing changes for URLs that stay. */
  replaceTiers(tiers: readonly (readonly string[])[]): void {
    if (this.#stopping.signal.aborted) return;
    this.#tiers = tiers;
    this.#schedule.replace(tiers);
    this.tick();
  }

  /** Announces to all trackers as soon as they may be asked, for the user wants it. */
  again(): void {
    this.#schedule.again(this.#options.surroundings.now());
    this.tick();
  }

  /** Hears that the download was finished in this run. */
  completed(): void {
    this.#schedule.completed(this.#options.surroundings.now());
    this.tick();
  }

  /** Ends without a last announce, for another announcer goes on with this torrent. Never rejects. */
  async leave(): Promise<void> {
    this.#schedule.stop();
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  /** Announces `stopped` to all trackers at once, within `ANNOUNCING.stopTimeoutMs`. Never rejects. */
  async stop(): Promise<void> {
    const last = this.#schedule.stop();
    this.#stopping.abort();
    const deadline = AbortSignal.timeout(ANNOUNCING.stopTimeoutMs);
    await Promise.all([
      ...this.#running,
      ...last.map((announce) => this.#send(announce, deadline).catch(() => {})),
    ]);
  }

  async #announce(announce: DueAnnounce): Promise<void> {
    const { swarm, failed, surroundings: { now } } = this.#options;
    try {
      const reply = await this.#send(announce, this.#stopping.signal);
      this.#schedule.succeeded(announce, reply, now());
      this.#failures.delete(announce.url);
      if (reply.reportIntervalSeconds === undefined) this.#reportedTo.delete(announce.url);
      else this.#reportedTo.add(announce.url);
      this.#answers.set(announce.url, { reply, at: now() });
      swarm.addPeers(reply.peers.map(({ endpoint }) => endpoint), "tracker");
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const reason = messageOf(error);
      const isToSuccessor = this.#schedule.isToSuccessor(announce);
      const retryInMs = error instanceof TrackerError ? error.retryInMs : undefined;
      const nextTryAt = this.#schedule.failed(announce, now(), retryInMs);
      if (isToSuccessor) return;
      failed?.(announce.url, reason);
      this.#failures.set(announce.url, { host: new URL(announce.url).host, reason, nextTryAt });
    }
  }

  #send(announce: DueAnnounce, signal: AbortSignal): Promise<AnnounceReply> {
    const { swarm, traffic, surroundings } = this.#options;
    return traffic.run(announce.url, async () => {
      // What is logged names the tracker as its subject, so that an outage is logged once and not for each torrent.
      const { log } = surroundings;
      const tracker = nameOf(announce);
      const torrent = `${tracker} for ${swarm.infoHash}`;
      try {
        const reply = await announceToTracker(announce.url, this.#requestFor(announce), signal, surroundings);
        log.works(tracker);
        if (reply.warning === undefined) log.works(torrent);
        else log.warn(`${tracker}: ${reply.warning}`, torrent);
        return reply;
      } catch (error) {
        const isRefusal = error instanceof TrackerError && !error.isOutage;
        if (this.#schedule.isToSuccessor(announce)) log.debug(`successor of ${torrent}: ${messageOf(error)}`);
        else if (!this.#stopping.signal.aborted) {
          log.warn(`${tracker}: ${messageOf(error)}`, isRefusal ? torrent : tracker);
        }
        throw error;
      }
    }, signal);
  }

  #requestFor(announce: DueAnnounce): AnnounceRequest {
    const { url, event: due, trackerId } = announce;
    const { swarm, traffic, surroundings } = this.#options;
    const isPartialSeed = swarm.isFinished && swarm.totals.left !== 0;
    const event = due ?? (isPartialSeed ? "paused" : undefined);
    const report = this.#reportedTo.has(url) ? this.#options.report?.() : undefined;
    return {
      infoHash: swarm.infoHash,
      peerId: surroundings.peerId,
      port: surroundings.listenPort,
      ...swarm.totals,
      key: traffic.key,
      compact: true,
      noPeerId: true,
      supportsCrypto: surroundings.encryption !== "off",
      claimedAddresses: [],
      ...(event === undefined ? {} : { event }),
      // As many peers as we may dial; a peer that leaves wants none.
      numwant: this.#schedule.wantsPeers(announce) ? CONNECTIONS.dialled : 0,
      ...(trackerId === undefined ? {} : { trackerId }),
      ...(report === undefined ? {} : { report }),
    };
  }
}

/** The name of a tracker for the log, without the path, which may contain a passkey. */
function nameOf({ url }: DueAnnounce): string {
  return `tracker ${new URL(url).host}`;
}
