/** `peer doctor`: finds out why this machine is not reached, or why a torrent stands still. */
import { join } from "node:path";
import { inSlices } from "../../disk/time_slices.ts";
import { isOwnHost, ownAddresses } from "../../net/addresses/own_addresses.ts";
import type { LocalDiscovery } from "../../net/discovery/local_discovery.ts";
import { sleep } from "../../net/peers/rate_limiter.ts";
import { askReach, type NeighbourAnswer } from "../../net/tracker/reach_client.ts";
import { announcePort, parseAnnounceAddress } from "../../protocol/announce_address.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { canonicalAddress, type Endpoint, scopeOf } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { ANNOUNCING, DOCTOR } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { SwarmRegistry } from "../../swarm/swarm_registry.ts";
import { reachableAddresses } from "../advice/announce_advice.ts";
import { wordsFor } from "../advice/waiting.ts";
import { piecesOf, standInsOf, trackersOf, type TrackerView } from "../torrent_views.ts";
import type { Torrent } from "../torrent.ts";
import { type Examination, examine, type Facts, type TorrentFact, type TrackerFact } from "./checks.ts";
import { hasDescriptors, probeDisk } from "./disk_probe.ts";

/** The parts of a session that are looked at. */
interface DoctorContext {
  readonly home: string;
  readonly surroundings: Surroundings;
  readonly registry: SwarmRegistry;
  /** Undefined where multicast is off. */
  readonly discovery: LocalDiscovery | undefined;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** Looks at a machine and at torrents of it. */
export class Doctor {
  readonly #context: DoctorContext;
  /** The last examination; each one waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: DoctorContext) {
    this.#context = context;
  }

  /** Resolves when no examination is under way. Never rejects. */
  get settled(): Promise<void> {
    return this.#last.then(() => {}, () => {});
  }

  /** Examines this machine and these torrents; it takes some seconds. Errors: the reason of the signal. */
  examine(torrents: readonly Torrent[]): Promise<Examination> {
    const examination = this.settled.then(async () => examine(await this.#facts(torrents)));
    this.#last = examination;
    return examination;
  }

  async #facts(torrents: readonly Torrent[]): Promise<Facts> {
    const { home, surroundings, discovery, signal } = this.#context;
    signal.throwIfAborted();
    await this.#meet(torrents);
    const { machine, listenPort, trackerPort } = surroundings;
    const trackers = neighboursOf(torrents);
    const startedAt = performance.now();
    const [answers, disk, descriptors, torrentFacts] = await Promise.all([
      this.#ask(trackers, torrents),
      probeDisk(home, join(home, "state"), bytesToCome(torrents, surroundings.now())),
      hasDescriptors(join(home, "state")),
      Promise.all(torrents.map((torrent) => this.#torrentFact(torrent))),
    ]);
    const isAwaited = answers.some(({ isAnnounced }) => isAnnounced);
    const heardNow = discovery === undefined ? [] : await this.#listen(discovery, startedAt, isAwaited);
    return {
      machine,
      addresses: reachableAddresses(Deno.networkInterfaces()),
      port: listenPort,
      trackerPort,
      asked: trackers.length,
      answers,
      multicast: { isOn: discovery !== undefined, heardNow, heardBefore: discovery?.heardSince(0) ?? [] },
      disk,
      hasDescriptors: descriptors,
      torrents: torrentFacts,
    };
  }

  /**
   * Where nobody is known that could be asked, announces the torrents by multicast, and waits for somebody to come: the
   * others may have been started later, and not be heard here.
   */
  async #meet(torrents: readonly Torrent[]): Promise<void> {
    const { discovery, signal } = this.#context;
    const isAlone = () => trackersMet(torrents).length === 0;
    if (discovery === undefined || !isAlone()) return;
    for (const { infoHash, isPrivate, isSeeking } of torrents) {
      if (isSeeking && !isPrivate) discovery.announceAgain(infoHash);
    }
    const deadline = performance.now() + DOCTOR.multicastMs;
    while (isAlone() && performance.now() < deadline) await sleep(50, signal);
  }

  /** Asks other machines how they reach this one. */
  async #ask(trackers: readonly Endpoint[], torrents: readonly Torrent[]): Promise<NeighbourAnswer[]> {
    const { surroundings: { listenPort, trackerPort, wallClock }, signal } = this.#context;
    const torrent = torrents.find(({ isPrivate, isSeeking }) => isSeeking && !isPrivate)?.infoHash;
    const ports = [listenPort, ...trackerPort === undefined ? [] : [trackerPort]];
    const answers = trackers.map((tracker) => askReach(tracker, { ports, torrent }, wallClock, signal));
    const settled = await Promise.allSettled(answers);
    signal.throwIfAborted();
    return settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  }

  /** Waits until multicast of others is heard, where some is on its way. */
  async #listen(discovery: LocalDiscovery, since: number, isAwaited: boolean): Promise<string[]> {
    const deadline = performance.now() + (isAwaited ? DOCTOR.multicastMs : 0);
    while (discovery.heardSince(since).length === 0 && performance.now() < deadline) {
      await sleep(50, this.#context.signal);
    }
    return discovery.heardSince(since);
  }

  async #torrentFact(torrent: Torrent): Promise<TorrentFact> {
    const { surroundings, registry } = this.#context;
    const { infoHash, parts } = torrent;
    const snapshot = torrent.snapshot(surroundings.now(), 0);
    const views = trackersOf(parts, { counts: registry.scrape(infoHash), listed: 0 }, surroundings);
    const trackers = await Promise.all(views.map(trackerFact));
    return {
      name: snapshot.name,
      isFinished: snapshot.finished,
      failure: snapshot.failure,
      isAnnouncer: snapshot.role === "announcer",
      trackers: trackers.flatMap((tracker) => tracker ?? []),
      standIns: standInsOf(parts, surroundings).map(({ url }) => new URL(url).host),
      connections: snapshot.connections,
      known: snapshot.known,
      ...await lackingIn(parts),
      doubles: registry.doublesSince(infoHash, surroundings.now() - DOCTOR.doublesMs),
    };
  }
}

/** Trackers of our kind of peers that are connected, or were lately. */
function trackersMet(torrents: readonly Torrent[]): Endpoint[] {
  return torrents.flatMap(({ parts }) => parts.joined?.swarm.trackersOfPeers ?? []);
}

/** Trackers of our kind on other machines, the connected ones first, each machine once. */
function neighboursOf(torrents: readonly Torrent[]): Endpoint[] {
  const named = torrents.flatMap(({ parts }) => parts.metainfo?.announceTiers.flat() ?? []).flatMap(
    endpointOf,
  );
  const own = ownAddresses();
  const byAddress = new Map<string, Endpoint>();
  for (const endpoint of [...trackersMet(torrents), ...named]) {
    const isMet = byAddress.has(endpoint.address) || own.includes(endpoint.address);
    if (!isMet) byAddress.set(endpoint.address, endpoint);
  }
  return [...byAddress.values()].slice(0, DOCTOR.maxNeighbours);
}

/** Where an HTTP tracker of the local network listens that is named by its address. */
function endpointOf(announce: string): Endpoint[] {
  const url = parseAnnounceAddress(announce);
  const address = url?.protocol === "http:" ? canonicalAddress(url.hostname) : undefined;
  if (url === undefined || address === undefined || scopeOf(address) !== "private") return [];
  return [{ address, port: announcePort(url) }];
}

async function trackerFact(
  { url, isOwn, state, seeders, leechers, failure }: TrackerView,
): Promise<TrackerFact | undefined> {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.hostname === "") return undefined;
  const isHere = isOwn || await isOwnHost(parsed.hostname, AbortSignal.timeout(ANNOUNCING.resolveTimeoutMs));
  return {
    host: parsed.host,
    port: announcePort(parsed),
    isOwn,
    isHere,
    state,
    seeders,
    leechers,
    failure: failure === undefined ? undefined : wordsFor(failure),
  };
}

function bytesToCome(torrents: readonly Torrent[], now: number): number {
  return torrents.reduce((sum, torrent) => sum + torrent.snapshot(now, 0).left, 0);
}

/** Pieces that are wanted and lacking, and those among them that no connected peer has. */
async function lackingIn(parts: Torrent["parts"]): Promise<{ lacking: number; nowhere: number }> {
  const { have, wanted, availability } = await inSlices(piecesOf(parts));
  const [stored, asked] = [have, wanted].map((bytes) => Bitfield.fromBytes(bytes, availability.length));
  let lacking = 0;
  let nowhere = 0;
  for (let index = 0; index < availability.length; index++) {
    if (stored?.has(index) || !asked?.has(index)) continue;
    lacking++;
    if (availability[index] === 0) nowhere++;
  }
  return { lacking, nowhere };
}

/** The torrents to look at: the one with this info-hash, or the first ones of all. */
export function subjectsOf(torrents: Iterable<Torrent>, infoHash: InfoHash | undefined): Torrent[] {
  const all = [...torrents];
  return infoHash === undefined
    ? all.slice(0, DOCTOR.maxTorrents)
    : all.filter((torrent) => torrent.infoHash === infoHash);
}
