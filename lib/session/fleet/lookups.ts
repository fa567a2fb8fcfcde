/** The lookup swarms of a session: those that a user or a fleet has joined, and those that a stranger's question began. */
import { addNamedPeers } from "../../net/discovery/named_peers.ts";
import { Announcer } from "../../net/tracker/announcer.ts";
import type { TrackerTraffic } from "../../net/tracker/tracker_traffic.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { LOOKUP } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Extension } from "../../swarm/extensions/extension.ts";
import { LookupSwarm } from "../../swarm/fleet/lookup_swarm.ts";
import type { Policy } from "../../swarm/policy.ts";
import type { RateLimits } from "../../swarm/ports.ts";
import type { SwarmRegistry } from "../../swarm/swarm_registry.ts";
import type { Tasks } from "../work/tasks.ts";

/** The parts of a session that its lookups need. */
export interface LookupsContext {
  readonly registry: SwarmRegistry;
  readonly policy: Policy;
  readonly limits: RateLimits;
  readonly surroundings: Surroundings;
  readonly trackerTraffic: TrackerTraffic;
  /** The swarm may have peers to dial. */
  dial(swarm: LookupSwarm): void;
  /** Other lookup hashes are to be announced by multicast than before. */
  standingChanged(): void;
  /** Work that the session awaits in the end. */
  readonly tasks: Tasks;
}

/** Says which lookup hashes strangers may ask under, though nobody here has joined them. */
export interface Answering {
  isAnswered(infoHash: InfoHash): boolean;
  /** The extension that answers under a lookup hash. */
  extensionFor(infoHash: InfoHash): Extension;
  /** The lookup hash that an encrypted handshake names by this `skeyHash`. */
  findInfoHash(skeyHash: string): InfoHash | undefined;
}

/** A lookup to join. */
interface LookupOptions {
  /** A lookup hash, as `lookupHash` makes it. */
  readonly infoHash: InfoHash;
  /** What is spoken there; not used where the lookup is joined already. */
  readonly extension: Extension;
  /** Peers to dial at once, `HOST:PORT` each. */
  readonly peers?: readonly string[];
  /** Announce URLs, tier by tier (BEP 12). */
  readonly tiers?: readonly (readonly string[])[];
}

/** A joined lookup: its swarm, and its announces to trackers. */
class Lookup {
  readonly swarm: LookupSwarm;
  readonly extension: Extension;
  /** How often it was joined and not left; it is announced by multicast while it is joined. */
  users = 0;
  readonly #announcer: Announcer;
  readonly #stopping = new AbortController();
  readonly #log: Surroundings["log"];
  /** When it last had a connection or began, in ms. */
  busyAt: number;

  constructor({ infoHash, extension, tiers = [] }: LookupOptions, context: LookupsContext) {
    const { policy, limits, surroundings, trackerTraffic } = context;
    this.#log = surroundings.log;
    this.extension = extension;
    this.busyAt = surroundings.now();
    this.swarm = new LookupSwarm({
      infoHash,
      extension,
      policy,
      limits,
      surroundings,
      startedAt: this.busyAt,
      report: ({ event }) => event === "peers" && context.dial(this.swarm),
    });
    this.#announcer = new Announcer({
      swarm: this.swarm,
      tiers,
      traffic: trackerTraffic,
      failed: undefined,
      surroundings,
    });
  }

  addPeers(peers: readonly string[]): void {
    addNamedPeers(this.swarm, peers, this.#stopping.signal, this.#log);
  }

  tick(now: number): void {
    this.#announcer.tick();
    if (this.swarm.connectionCount > 0) this.busyAt = now;
  }

  /** Ends all connections and says goodbye to its trackers. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.swarm.stop("the lookup is over");
    await this.#announcer.stop();
  }
}

/** A lookup that somebody here has joined, as its owner sees it. */
export interface JoinedLookup {
  readonly swarm: LookupSwarm;
  /** What is spoken there: the extension of the owner that joined first. */
  readonly extension: Extension;
  /** Dials peers at once, `HOST:PORT` each. */
  addPeers(peers: readonly string[]): void;
  /** The owner needs it no more. */
  leave(): void;
}

/** All lookups of a session. */
export class Lookups {
  readonly #context: LookupsContext;
  readonly #answering: Answering;
  readonly #lookups = new Map<InfoHash, Lookup>();

  constructor(context: LookupsContext, answering: Answering) {
    this.#context = context;
    this.#answering = answering;
  }

  /** Joins a lookup: looks for its hosts, and is found by them, until the last of its owners leaves. */
  join(options: LookupOptions): JoinedLookup {
    const lookup = this.#lookups.get(options.infoHash) ?? this.#begin(options);
    lookup.users++;
    lookup.addPeers(options.peers ?? []);
    lookup.tick(this.#context.surroundings.now());
    this.#context.dial(lookup.swarm);
    this.#context.standingChanged();
    let hasLeft = false;
    return {
      swarm: lookup.swarm,
      extension: lookup.extension,
      addPeers: (peers) => lookup.addPeers(peers),
      leave: () => {
        if (hasLeft) return;
        hasLeft = true;
        if (--lookup.users > 0) return;
        this.#end(lookup);
        this.#context.standingChanged();
      },
    };
  }

  /** The lookup hashes to announce by multicast. */
  get announced(): InfoHash[] {
    return this.#lookups.values().filter(({ users }) => users > 0).map(({ swarm }) => swarm.infoHash)
      .toArray();
  }

  /** Whether hosts may find us under a lookup hash. */
  isKnown(infoHash: InfoHash): boolean {
    return this.#lookups.has(infoHash) || this.#answering.isAnswered(infoHash);
  }

  /** The swarm of a lookup hash; it begins here where strangers may ask under that hash. */
  find(infoHash: InfoHash): LookupSwarm | undefined {
    const lookup = this.#lookups.get(infoHash);
    if (lookup !== undefined) return lookup.swarm;
    if (!this.#answering.isAnswered(infoHash)) return undefined;
    this.#makeRoom();
    return this.#begin({ infoHash, extension: this.#answering.extensionFor(infoHash) }).swarm;
  }

  /** The lookup hash that an encrypted handshake names by this `skeyHash`, where no swarm has begun for it. */
  findInfoHash(skeyHash: string): InfoHash | undefined {
    return this.#answering.findInfoHash(skeyHash);
  }

  /** Does the housekeeping of each second; `now` in ms. */
  tick(now: number): void {
    for (const lookup of this.#lookups.values()) {
      lookup.tick(now);
      if (lookup.users === 0 && now - lookup.busyAt >= LOOKUP.idleMs) this.#end(lookup);
    }
  }

  /** Ends all lookups. Never rejects. */
  async stop(): Promise<void> {
    await Promise.all([...this.#lookups.values()].map((lookup) => lookup.stop()));
  }

  #begin(options: LookupOptions): Lookup {
    const lookup = new Lookup(options, this.#context);
    this.#lookups.set(options.infoHash, lookup);
    this.#context.registry.add(lookup.swarm);
    return lookup;
  }

  #end(lookup: Lookup): void {
    const { infoHash } = lookup.swarm;
    this.#lookups.delete(infoHash);
    this.#context.registry.remove(infoHash);
    this.#context.tasks.add(lookup.stop());
  }

  /**
   * Ends a lookup that strangers have begun, if there are too many: one without connections, or else the oldest. An
   * honest question is over in a moment, so a stranger that stays keeps nobody out.
   */
  #makeRoom(): void {
    const begun = this.#lookups.values().filter(({ users }) => users === 0).toArray();
    if (begun.length < LOOKUP.answering) return;
    this.#end(begun.find(({ swarm }) => swarm.connectionCount === 0) ?? begun[0]);
  }
}
