import { messageOf, ProtocolError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { type Endpoint, familyOf, type IpFamily, isDialable, withoutZone } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import {
  encodeLsd,
  LSD_GROUPS,
  LSD_MAX_INFO_HASHES,
  LSD_PORT,
  type LsdMessage,
  parseLsd,
} from "../../protocol/lsd_message.ts";
import { LOCAL_DISCOVERY } from "../../settings.ts";
import { Allowance } from "../../swarm/peers/allowance.ts";
import type { HeardEndpoint } from "../../swarm/peers/known_peers.ts";
import { RecentMap } from "../../swarm/recent_map.ts";
import { LocalAnnounces } from "../../swarm/tracker/local_announces.ts";
import { MulticastGroup } from "./multicast.ts";

/** What `LocalDiscovery` needs to know. */
interface LocalDiscoveryOptions {
  /** Address where we listen for peers; undefined stands for all. */
  readonly host: string | undefined;
  readonly port: number;
  readonly log: Logger;
  /** Whether announces of an info-hash matter that is not announced here; none does where this is left out. */
  readonly isKnown?: (infoHash: InfoHash) => boolean;
  /** Hears of each announce of a peer of one of our torrents, or under an info-hash that is known. */
  readonly heard: (infoHash: InfoHash, endpoint: HeardEndpoint) => void;
  /** Lists the present interfaces; `Deno.networkInterfaces` where left out. */
  readonly networkInterfaces?: () => Deno.NetworkInterfaceInfo[];
}

/** An announce of another process, and when it came, in ms. */
interface Heard {
  readonly message: LsdMessage;
  readonly endpoint: Endpoint;
  readonly at: number;
}

/**
 * Finds peers on the local network by multicast, on IPv4 and IPv6 and every interface (BEP 14).
 *
 * The caller must not announce private torrents (BEP 27).
 */
export class LocalDiscovery {
  readonly #options: LocalDiscoveryOptions;
  readonly #announces = new LocalAnnounces(Math.random);
  readonly #groups = new Map<IpFamily, MulticastGroup>();
  /** Families whose failure was logged. */
  readonly #unavailable = new Set<IpFamily>();
  readonly #cookie = crypto.getRandomValues(new Uint8Array(8)).toHex();
  readonly #limit = new SenderLimit();
  readonly #forAskers = new Allowance(LOCAL_DISCOVERY.forAskers);
  /** When the last announce came from each address, in ms. */
  readonly #heard = new RecentMap<string, number>(LOCAL_DISCOVERY.maxRemembered);
  /** Announces by IPv6 that wait for those of the same process by IPv4; the oldest first. */
  readonly #held: Heard[] = [];
  /** Where each process was heard last by each family, by its cookie. */
  readonly #places = new RecentMap<string, Partial<Record<IpFamily, Endpoint>>>(
    LOCAL_DISCOVERY.maxRemembered,
  );
  #sharedCount = 0;
  #wake = () => {};

  constructor(options: LocalDiscoveryOptions) {
    this.#options = options;
  }

  /** Sets the torrents to announce from now on, in place of the earlier ones; new ones are announced at once. */
  announce(infoHashes: readonly InfoHash[]): void {
    this.#sharedCount = infoHashes.length;
    this.#announces.share(infoHashes, performance.now());
    this.#wake();
  }

  /** Announces a torrent once more, as soon as that is allowed. */
  announceAgain(infoHash: InfoHash): void {
    this.#announces.again(infoHash, performance.now());
    this.#wake();
  }

  /**
   * Announces a torrent at once, for another machine that tries whether multicast arrives there; returns false, and
   * announces nothing, where multicast is not there or too many machines have asked.
   */
  announceForAsker(infoHash: InfoHash): boolean {
    if (this.#groups.size === 0 || !this.#forAskers.take(performance.now())) return false;
    this.#send([infoHash]);
    return true;
  }

  /** The addresses of other machines from which an announce came since a moment of `performance.now()`. */
  heardSince(moment: number): string[] {
    const own = new Set(this.#interfaces().map(({ address }) => address));
    return [...this.#heard].filter(([address, at]) => at >= moment && !own.has(withoutZone(address)))
      .map(([address]) => address);
  }

  /** Announces and listens until `signal` aborts; resolves when everything is closed. Does not reject. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake(), { once: true });
    let nextScan = 0;
    while (!signal.aborted) {
      if (performance.now() >= nextScan) {
        await this.#rescan();
        nextScan = performance.now() + LOCAL_DISCOVERY.rescanMs;
      }
      this.#takeHeld();
      this.#sendDue();
      const held = this.#held.length > 0 ? this.#held[0].at + LOCAL_DISCOVERY.heldMs : Infinity;
      if (!signal.aborted) await this.#sleepUntil(Math.min(nextScan, this.#announces.nextDue, held));
    }
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
    this.#groups.clear();
  }

  async #rescan(): Promise<void> {
    for (const family of [4, 6] as const) {
      try {
        const group = this.#groups.get(family) ?? await this.#open(family);
        this.#groups.set(family, group);
        if (await group.rescan()) this.#announces.announceAll(performance.now());
      } catch (error) {
        if (this.#unavailable.has(family)) continue;
        this.#unavailable.add(family);
        this.#options.log.info(`No local discovery over IPv${family}: ${messageOf(error)}`);
      }
    }
  }

  #open(family: IpFamily): Promise<MulticastGroup> {
    return MulticastGroup.open({
      family,
      group: LSD_GROUPS[family],
      port: LSD_PORT,
      timeToLive: LOCAL_DISCOVERY.timeToLive,
      maxInterfaces: LOCAL_DISCOVERY.maxInterfaces,
      log: this.#options.log,
      networkInterfaces: () => this.#interfaces(),
      received: (bytesView, address) => this.#received(bytesView, address),
    });
  }

  /** The interfaces by which we can be reached: a receiver dials the sender's address, so we must listen there. */
  #interfaces(): Deno.NetworkInterfaceInfo[] {
    const { host, networkInterfaces = Deno.networkInterfaces } = this.#options;
    const isAny = host === undefined || host === "::";
    return networkInterfaces().filter(({ address, family }) =>
      isAny || address === withoutZone(host) || (host === "0.0.0.0" && family === "IPv4")
    );
  }

  #sendDue(): void {
    const due = this.#announces.take(performance.now());
    const perDatagram = this.#sharedCount <= LOCAL_DISCOVERY.maxSingly ? 1 : LSD_MAX_INFO_HASHES;
    for (let at = 0; at < due.length; at += perDatagram) this.#send(due.slice(at, at + perDatagram));
  }

  #send(infoHashes: InfoHash[]): void {
    const message = { infoHashes, port: this.#options.port, cookie: this.#cookie };
    for (const [family, group] of this.#groups) group.send(encodeLsd(message, family));
  }

  #received(bytesView: Uint8Array, address: string): void {
    const now = performance.now();
    if (!this.#limit.allows(address, now)) return;
    const message = this.#read(bytesView, address);
    if (message === undefined || message.cookie === this.#cookie) return;
    this.#heard.set(address, now);
    const endpoint = { address, port: message.port };
    if (!isDialable(endpoint)) return;
    const heard = { message, endpoint, at: now };
    // The datagram of IPv4 was sent before it, and may come after it.
    if (familyOf(address) === 6 && this.#groups.has(4)) this.#held.push(heard);
    else this.#take(heard);
    this.#wake();
  }

  /** Takes what was held for long enough. */
  #takeHeld(): void {
    const until = performance.now() - LOCAL_DISCOVERY.heldMs;
    while (this.#held.length > 0 && this.#held[0].at <= until) this.#take(this.#held.shift()!);
  }

  #take({ message, endpoint, at }: Heard): void {
    const endpoints = this.#placesOf(message.cookie, endpoint);
    for (const infoHash of message.infoHashes) {
      const isOurs = this.#announces.heard(infoHash, endpoint, at);
      if (!isOurs && !this.#options.isKnown?.(infoHash)) continue;
      for (const each of endpoints) this.#options.heard(infoHash, each);
    }
  }

  /**
   * Where a process listens that was heard at an endpoint: there, and, as one that is heard by both families comes by
   * IPv6 only where IPv4 is of no use, at its other endpoint, if it is known.
   */
  #placesOf(cookie: string, endpoint: Endpoint): HeardEndpoint[] {
    if (cookie === "") return [endpoint];
    const places = this.#places.get(cookie) ?? {};
    places[familyOf(endpoint.address)] = endpoint;
    this.#places.set(cookie, places);
    const { 4: preferred, 6: other } = places;
    return preferred === undefined || other === undefined ? [endpoint] : [preferred, { ...other, preferred }];
  }

  #read(bytesView: Uint8Array, address: string): LsdMessage | undefined {
    try {
      return parseLsd(bytesView);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.log.debug(`Local announce of ${address}: ${error.message}`);
    }
  }

  /** Sleeps until a time, or until `#wake` is called. */
  async #sleepUntil(time: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, time - performance.now()));
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}

/** Limits the datagrams read in one second, from each address and from all. */
class SenderLimit {
  readonly #counts = new Map<string, number>();
  #total = 0;
  #since = 0;

  /** Counts a datagram; false when it must be dropped. `now` in ms. */
  allows(address: string, now: number): boolean {
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#total = 0;
      this.#counts.clear();
    }
    if (++this.#total > LOCAL_DISCOVERY.perSecond) return false;
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    return count <= LOCAL_DISCOVERY.perSenderPerSecond;
  }
}
