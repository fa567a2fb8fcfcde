/** A virtual LAN whose hosts have trackers and announce to them, so that machines and cables may fail. */
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { CONNECTIONS, TRACKER } from "../../../lib/settings.ts";
import { SwarmRegistry } from "../../../lib/swarm/swarm_registry.ts";
import type { DueAnnounce } from "../../../lib/swarm/tracker/announce_schedule.ts";
import { announceUrlOf, Succession } from "../../../lib/swarm/tracker/succession.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import type { Host, HostOptions } from "./host.ts";
import type { SharedBytes } from "./shared_bytes.ts";
import { VirtualLan } from "./virtual_lan.ts";
import { LATENCY_MS } from "./wire.ts";

const TRACKER_PORT = 6969;
/** How often a host looks which announces are due, in ms. */
const LOOK_MS = 1_000;
/** How long it takes until a machine that is off counts as unreachable, in ms: the system asks for it three times. */
const UNREACHABLE_MS = 3_000;

/** How a host with a tracker is set up. */
export interface TrackedHostOptions extends HostOptions {
  /** Announce URLs, a tier each; none for the announcer itself. */
  readonly trackers: readonly string[];
  /** Whether it is another program: it runs no tracker, and knows of no successors. */
  readonly isForeign?: boolean;
}

/** One host, its tracker and its announces. */
export class TrackedHost {
  readonly host: Host;
  registry: SwarmRegistry;
  succession: Succession;
  /** Whether its process runs. */
  isUp = true;
  /** Whether its machine is off: nothing says that it is gone. */
  isOff = false;
  /** Announce URLs that it asked, in order. */
  readonly asked: string[] = [];
  /** Endpoints that its tracker names instead of those that it knows; for hosts that lie. */
  lie: readonly { readonly address: string; readonly port: number }[] | undefined;
  readonly isForeign: boolean;
  readonly #tiers: readonly (readonly string[])[];
  readonly #lan: TrackedLan;
  /** How often its process has begun. */
  #life = 0;

  constructor(lan: TrackedLan, { trackers, isForeign = false, ...options }: TrackedHostOptions) {
    this.#lan = lan;
    const trackerPort = isForeign ? undefined : TRACKER_PORT;
    this.host = lan.lan.add({ ...options, trackerPort });
    this.isForeign = isForeign;
    this.#tiers = trackers.map((url) => [url]);
    this.registry = this.#newRegistry();
    this.succession = this.#newSuccession();
    this.#begin();
  }

  #newRegistry(): SwarmRegistry {
    const { swarm, peerId, endpoint: { address, port } } = this.host;
    const { random } = this.#lan.lan;
    const table = new TrackerTable({ open: false, random, ownAddressFor: () => address });
    const registry = new SwarmRegistry(table, { peerId, port });
    if (!this.isForeign) registry.add(swarm);
    return registry;
  }

  #newSuccession(): Succession {
    const standIns = this.isForeign ? undefined : this.host.swarm.standIns;
    return new Succession(this.#tiers, standIns, this.#lan.lan.random);
  }

  /** Begins to look; machines are not switched on in the same millisecond. */
  #begin(): void {
    const life = ++this.#life;
    this.#lan.lan.after(this.#lan.lan.random() * LOOK_MS, () => this.#tick(life));
  }

  /** The announce URL of its tracker. */
  get trackerUrl(): string {
    return announceUrlOf({ ...this.host.endpoint, port: TRACKER_PORT });
  }

  /** The addresses that its tracker lists. */
  get listed(): string[] {
    return this.registry.hosts(this.#lan.lan.metainfo.infoHash, this.#lan.lan.now)
      .filter(({ goneSince }) => goneSince === undefined).map(({ endpoint }) => endpoint.address).sort();
  }

  /** Its process is killed: its connections break at once. With `isOff`, its machine goes with it. */
  kill(isOff = false): void {
    this.isUp = false;
    this.isOff = isOff;
    this.host.swarm.pause();
  }

  /** Its process is started again; its tracker has forgotten everything. */
  restart(): void {
    this.isUp = true;
    this.isOff = false;
    this.host.swarm.resume();
    this.registry = this.#newRegistry();
    this.succession = this.#newSuccession();
    this.#begin();
  }

  #tick(life: number): void {
    if (!this.isUp || life !== this.#life) return;
    const { lan } = this.#lan;
    this.registry.tick(lan.now, true);
    for (const announce of this.succession.due(lan.now)) this.#announce(announce);
    lan.after(LOOK_MS, () => this.#tick(life));
  }

  #announce(announce: DueAnnounce): void {
    const { lan } = this.#lan;
    this.asked.push(announce.url);
    this.#lan.announced();
    const wantsPeers = this.succession.wantsPeers(announce);
    const target = this.#lan.hostAt(announce.url);
    const isThere = target !== undefined && !target.isOff && this.#lan.canReach(this, target);
    lan.after(isThere ? LATENCY_MS : UNREACHABLE_MS, () => {
      if (!this.isUp) return;
      const reply = isThere && target.isUp ? target.answer(this, announce, wantsPeers) : undefined;
      if (reply === undefined) return void this.succession.failed(announce, lan.now);
      const { minIntervalSeconds, intervalSeconds } = TRACKER;
      this.succession.succeeded(announce, { intervalSeconds, minIntervalSeconds, ...reply }, lan.now);
      this.host.owner.addPeers(reply.peers.map(({ endpoint }) => endpoint), "tracker");
      this.host.dial();
    });
  }

  /** What its tracker answers to a host. */
  answer({ host }: TrackedHost, { event }: DueAnnounce, wantsPeers: boolean) {
    const { lan } = this.#lan;
    const { peerId, endpoint: { address, port }, swarm } = host;
    const reply = this.registry.announce(
      {
        infoHash: lan.metainfo.infoHash,
        peerId,
        port,
        ...swarm.totals,
        ...(event === undefined ? {} : { event }),
        key: 1,
        numwant: wantsPeers ? CONNECTIONS.dialled : 0,
        compact: true,
        noPeerId: true,
        supportsCrypto: false,
        claimedAddresses: [],
      },
      address,
      lan.now,
    );
    this.host.dial();
    const { lie } = this;
    return reply && (lie === undefined ? reply : { ...reply, peers: lie.map((endpoint) => ({ endpoint })) });
  }
}

/** A LAN of such hosts; the first one added is the announcer. */
export class TrackedLan {
  readonly lan: VirtualLan;
  readonly hosts: TrackedHost[] = [];
  /** How many announces were made in each second that had any. */
  readonly announces = new Map<number, number>();
  readonly #byHost = new Map<Host, TrackedHost>();
  readonly #byUrl = new Map<string, TrackedHost>();
  /** The hosts on one side of a cut; undefined while all reach each other. */
  #side: ReadonlySet<TrackedHost> | undefined;

  constructor(metainfo: Metainfo, seed: number, bytes?: SharedBytes) {
    this.lan = new VirtualLan(metainfo, seed, bytes);
    this.lan.canReach = (from, to) => this.canReach(this.#byHost.get(from)!, this.#byHost.get(to)!);
  }

  /** Adds the announcer, or a host that announces to it, unless its torrent names other trackers. */
  add(options: Omit<TrackedHostOptions, "trackers"> & Partial<TrackedHostOptions>): TrackedHost {
    const trackers = this.hosts.slice(0, 1).map(({ trackerUrl }) => trackerUrl);
    const host = new TrackedHost(this, { trackers, ...options });
    this.hosts.push(host);
    this.#byHost.set(host.host, host);
    this.#byUrl.set(host.trackerUrl, host);
    return host;
  }

  /** Counts an announce. */
  announced(): void {
    const second = Math.floor(this.lan.now / 1_000);
    this.announces.set(second, (this.announces.get(second) ?? 0) + 1);
  }

  /** The host whose tracker has this announce URL. */
  hostAt(url: string): TrackedHost | undefined {
    return this.#byUrl.get(url);
  }

  /** Hosts whose process runs. */
  get up(): TrackedHost[] {
    return this.hosts.filter(({ isUp }) => isUp);
  }

  /** Whether packets of one host reach another. */
  canReach(from: TrackedHost, to: TrackedHost): boolean {
    return this.#side === undefined || this.#side.has(from) === this.#side.has(to);
  }

  /** Cuts the LAN in two: connections between the sides break. */
  cut(side: readonly TrackedHost[]): void {
    this.#side = new Set(side);
    for (const { host } of this.hosts) {
      for (const wire of [...host.connections]) {
        if (!this.lan.canReach(host, wire.other.host)) wire.close("no answer for a long time");
      }
    }
  }

  /** Joins the two sides again. */
  heal(): void {
    this.#side = undefined;
  }

  /** Steps through time until `isDone`, for at most so many seconds; returns how many seconds that took. */
  run(isDone: () => boolean, limitSeconds: number): number | undefined {
    const startedAt = this.lan.now;
    return this.lan.run(isDone, limitSeconds * 1_000) ? (this.lan.now - startedAt) / 1_000 : undefined;
  }
}
