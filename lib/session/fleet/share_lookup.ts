/** A user's question for what is shared: it asks the hosts near by, and verifies what they say. */
import { inSlices } from "../../disk/time_slices.ts";
import { formatEndpoint } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { formatMagnet } from "../../protocol/magnet.ts";
import { readInfo } from "../../protocol/metainfo.ts";
import { hasCode, readShareCode, shareCode } from "../../protocol/share_code.ts";
import { MAX_SHARES } from "../../protocol/share_messages.ts";
import { METAINFO_LIMITS, SHARING } from "../../settings.ts";
import type { ShareExtension } from "../../swarm/fleet/share_extension.ts";
import { type FoundShare, ShareSearch } from "../../swarm/fleet/share_search.ts";
import { MetadataSwarm } from "../../swarm/metadata_swarm.ts";
import type { JoinedLookup, Lookups, LookupsContext } from "./lookups.ts";
import { looksOf } from "./share_of.ts";
import { NEAR, type Sharing } from "./sharing.ts";

/** What a user asks for. */
export interface ShareQuestion {
  /** The words of a code; what is shared near by where they are left out. */
  readonly code?: string;
  /** Peers to ask beside those that multicast finds, `HOST:PORT` each. */
  readonly peers?: readonly string[];
}

/** One torrent that is shared. Sizes in bytes. */
export interface SharedTorrent {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly length: number;
  readonly files: number;
  /** Whether name, size and files are those of the metadata; else a host only says so. */
  readonly isVerified: boolean;
  /** Whether this session has it already. */
  readonly isHere: boolean;
  /** Whether it is shown to those who know no code. */
  readonly isListed: boolean;
  /** Its usual code, and its strong one. */
  readonly code: string;
  readonly strongCode: string;
  /** The hosts that have it; `endpoint` as `host:port`. */
  readonly hosts: readonly { readonly name: string; readonly endpoint: string }[];
  /** Names the torrent, its trackers and some of these hosts. */
  readonly magnet: string;
}

/** The answer to a question. */
export interface SharesFound {
  readonly shares: readonly SharedTorrent[];
  /** Hosts that answered. */
  readonly hosts: number;
  /** Torrents that hosts named falsely: they do not have the code, or nobody has their metadata. */
  readonly refused: number;
}

/** The parts of a session that a question needs. */
interface QuestionContext extends Omit<LookupsContext, "dial"> {
  readonly lookups: Lookups;
  readonly sharing: Sharing;
  dial(swarm: MetadataSwarm): void;
  /** Announces a lookup hash by multicast once more. */
  announceAgain(infoHash: InfoHash): void;
}

/** Name, size and files of a torrent, out of its metadata. */
type Verified = Pick<SharedTorrent, "name" | "length" | "files">;

/** Peers that a link names. */
const PEERS_IN_LINK = 8;
/** When a question nobody has answered yet is asked again, in ms after its beginning: a datagram may be lost. */
const ASKED_AGAIN_MS = [1_000, 3_000];
/** How often the deadlines are looked at, in ms. */
const LOOK_MS = 100;

/** The questions of the users of a session. */
export class ShareQuestions {
  readonly #context: QuestionContext;
  readonly #signal: AbortSignal;
  /** Questions under way, by their lookup hashes. */
  readonly #asked = new Map<InfoHash, { readonly asking: Asking; readonly answer: Promise<SharesFound> }>();

  /** `signal` ends all questions. */
  constructor(context: QuestionContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  /**
   * Asks what is shared, and resolves when hosts have answered and no more news come. Under a code, every torrent is
   * verified by its metadata (BEP 9). A question that is under way is not asked twice.
   *
   * Errors: `RangeError` for words that are no code, and for too many questions; the reason of the signal.
   */
  async ask(question: ShareQuestion): Promise<SharesFound> {
    const infoHash = question.code === undefined ? NEAR : readShareCode(question.code).lookupHash;
    const known = this.#asked.get(infoHash);
    if (known !== undefined) {
      known.asking.addPeers(question.peers ?? []);
      return await known.answer;
    }
    if (this.#asked.size >= SHARING.atOnce) {
      throw new RangeError(`Expected at most ${SHARING.atOnce} questions at once, got one more`);
    }
    const asking = new Asking(question, this.#context, this.#signal);
    const answer = asking.run().finally(() => {
      this.#asked.delete(infoHash);
      asking.stop();
    });
    this.#asked.set(infoHash, { asking, answer });
    this.#context.tasks.add(answer);
    return await answer;
  }
}

/** One question under way. */
class Asking {
  readonly #context: QuestionContext;
  readonly #signal: AbortSignal;
  readonly #isCode: boolean;
  readonly #infoHash: InfoHash;
  readonly #lookup: JoinedLookup;
  readonly #search: ShareSearch;
  readonly #fetches = new Map<InfoHash, MetadataFetch>();
  readonly #verified = new Map<InfoHash, Verified>();
  readonly #stack = new DisposableStack();
  readonly #startedAt: number;
  /** When hosts last brought news, or a torrent was verified; in ms. */
  #newsAt: number;
  #isBad = 0;
  #wake = () => {};

  constructor({ code: words, peers = [] }: ShareQuestion, context: QuestionContext, signal: AbortSignal) {
    const { lookups, sharing, surroundings } = this.#context = context;
    const code = words === undefined ? undefined : readShareCode(words);
    this.#signal = signal;
    this.#isCode = code !== undefined;
    const infoHash = this.#infoHash = code?.lookupHash ?? NEAR;
    this.#startedAt = this.#newsAt = surroundings.now();
    this.#search = new ShareSearch(
      (infoHash) => code === undefined || hasCode(infoHash, code),
      code === undefined ? MAX_SHARES : SHARING.perHost,
    );
    const lookup = lookups.join({ infoHash, extension: sharing.extensionFor(infoHash) });
    this.#stack.defer(() => lookup.leave());
    this.#lookup = lookup;
    this.addPeers(peers);
    const extension = lookup.extension as ShareExtension;
    this.#stack.defer(extension.ask((answer) => {
      if (!this.#search.take(answer)) return;
      this.#newsAt = surroundings.now();
      this.#wake();
    }));
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake);
    this.#stack.defer(() => signal.removeEventListener("abort", wake));
  }

  /** Asks these peers, too, `HOST:PORT` each. */
  addPeers(peers: readonly string[]): void {
    this.#lookup.addPeers(peers);
  }

  stop(): void {
    for (const fetch of this.#fetches.values()) fetch.stop();
    this.#stack.dispose();
  }

  async run(): Promise<SharesFound> {
    const { now } = this.#context.surroundings;
    const again = [...ASKED_AGAIN_MS];
    while (!this.#isOver(now() - this.#startedAt, now() - this.#newsAt)) {
      this.#signal.throwIfAborted();
      if (this.#isCode) this.#verify(now());
      if (this.#search.hosts === 0 && now() - this.#startedAt >= again[0]) {
        again.shift();
        this.#context.announceAgain(this.#infoHash);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, LOOK_MS);
      await promise;
      clearTimeout(timer);
    }
    return this.#result();
  }

  #isOver(elapsed: number, quiet: number): boolean {
    const own = this.#context.sharing.sharesUnder(this.#infoHash);
    if (elapsed >= SHARING.longestMs) return true;
    const isSettled = quiet >= SHARING.settleMs;
    if (!this.#isCode) return isSettled && this.#search.hosts > 0 || elapsed >= SHARING.patienceMs;
    if (own.length > 0 && isSettled) return true;
    if (this.#verified.size > 0) {
      // Another torrent under the same code may be on its way, but a forger must not make anybody wait for long.
      return isSettled && (this.#fetches.size === 0 || quiet >= SHARING.fetchMs);
    }
    return elapsed >= SHARING.patienceMs && this.#fetches.size === 0;
  }

  /** Fetches the metadata of torrents that hosts have named. */
  #verify(now: number): void {
    const found = this.#search.found;
    for (const share of found) this.#fetches.get(share.infoHash)?.addHosts(share);
    // Torrents wait for a place, or for the end of the question.
    const isWaited = () => this.#fetches.size >= SHARING.fetches || this.#verified.size > 0;
    for (const [infoHash, fetch] of this.#fetches) {
      const patience = fetch.isConnected ? SHARING.fetchMs : SHARING.connectMs;
      const limit = isWaited() ? patience : SHARING.patienceMs;
      if (now - fetch.startedAt < limit) continue;
      this.#end(infoHash, fetch);
      this.#isBad++;
    }
    for (const share of this.#search.takeUntried(SHARING.fetches - this.#fetches.size)) {
      this.#fetch(share, now);
    }
  }

  #fetch(share: FoundShare, now: number): void {
    const { infoHash } = share;
    if (this.#context.registry.find(infoHash) !== undefined) {
      if (!this.#context.sharing.has(infoHash)) return;
      this.#verified.set(infoHash, share);
      this.#newsAt = now;
      return;
    }
    const fetch = new MetadataFetch(share, now, this.#context, (verified) => {
      if (this.#fetches.get(infoHash) !== fetch) return;
      this.#end(infoHash, fetch);
      if (verified === undefined) this.#isBad++;
      else this.#verified.set(infoHash, verified);
      this.#newsAt = this.#context.surroundings.now();
      this.#wake();
    });
    this.#fetches.set(infoHash, fetch);
  }

  #end(infoHash: InfoHash, fetch: MetadataFetch): void {
    this.#fetches.delete(infoHash);
    fetch.stop();
  }

  #result(): SharesFound {
    const found = new Map(this.#search.found.map((share) => [share.infoHash, share]));
    for (const own of this.#context.sharing.sharesUnder(this.#infoHash)) {
      found.set(own.infoHash, { ...own, hosts: found.get(own.infoHash)?.hosts ?? [] });
      this.#verified.set(own.infoHash, own);
    }
    const shares = [...found.values()]
      .filter(({ infoHash, isListed }) => this.#isCode ? this.#verified.has(infoHash) : isListed)
      .map((share) => this.#describe(share));
    return { shares, hosts: this.#search.hosts, refused: this.#search.refused + this.#isBad };
  }

  #describe(share: FoundShare): SharedTorrent {
    const { infoHash, isListed, trackers } = share;
    const { name, length, files } = this.#verified.get(infoHash) ?? share;
    const hosts = share.hosts.map(({ name, endpoint }) => ({ name, endpoint: formatEndpoint(endpoint) }));
    return {
      infoHash,
      name,
      length,
      files,
      isVerified: this.#verified.has(infoHash),
      isHere: this.#context.sharing.has(infoHash),
      isListed,
      code: shareCode(infoHash),
      strongCode: shareCode(infoHash, true),
      hosts,
      magnet: formatMagnet({
        infoHash,
        name,
        trackers,
        peers: hosts.slice(0, PEERS_IN_LINK).map(({ endpoint }) => endpoint),
      }),
    };
  }
}

/** Fetches the metadata of one torrent from the hosts that named it. */
class MetadataFetch {
  readonly startedAt: number;
  readonly #context: QuestionContext;
  readonly #swarm: MetadataSwarm;

  /** `done` hears what the metadata says, or undefined where it is of no use. */
  constructor(
    share: FoundShare,
    now: number,
    context: QuestionContext,
    done: (verified: Verified | undefined) => void,
  ) {
    const { registry, policy, limits, surroundings } = this.#context = context;
    this.startedAt = now;
    this.#swarm = new MetadataSwarm({
      infoHash: share.infoHash,
      name: share.name,
      policy,
      limits,
      surroundings,
      startedAt: now,
      report: ({ event }) => event === "peers" && context.dial(this.#swarm),
      completed: (rawInfo) => context.tasks.add(readVerified(rawInfo).then(done, () => done(undefined))),
    });
    registry.add(this.#swarm);
    this.addHosts(share);
  }

  /** Whether a host that may have it is connected. */
  get isConnected(): boolean {
    return this.#swarm.connectionCount > 0;
  }

  /** More hosts have named it. */
  addHosts({ hosts }: FoundShare): void {
    this.#swarm.addPeers(hosts.map(({ endpoint }) => endpoint), "user");
  }

  /** Ends its connections, and leaves the info-hash to the torrent that the user may have added meanwhile. */
  stop(): void {
    const { registry } = this.#context;
    const { infoHash } = this.#swarm;
    if (registry.find(infoHash) === this.#swarm) registry.remove(infoHash);
    this.#swarm.stop("the question is answered");
  }
}

/** Reads an info dictionary; undefined for a private torrent, for which nobody answers (BEP 27). Errors: `MetainfoError`. */
async function readVerified(rawInfo: Uint8Array): Promise<Verified | undefined> {
  const metainfo = await inSlices(readInfo(rawInfo, METAINFO_LIMITS));
  return metainfo.isPrivate ? undefined : looksOf(metainfo);
}
