/** Collects the answers to one question for shares, and says which of them are to be verified next. */
import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { Share } from "../../protocol/share_messages.ts";
import { SHARING } from "../../settings.ts";
import type { HostShares } from "./share_extension.ts";

/** A torrent that hosts say they share. What they say of it is not proven. */
export interface FoundShare extends Share {
  /** The hosts that named it, in the order of their answers. */
  readonly hosts: readonly FoundHost[];
}

/** A host that answered. */
interface FoundHost {
  readonly name: string;
  readonly endpoint: Endpoint;
}

/** A torrent in the making of the list. */
interface Candidate {
  readonly share: Share;
  readonly hosts: FoundHost[];
  readonly trackers: Set<string>;
}

/** Trackers that all hosts together may tell of one torrent. */
const MAX_TRACKERS = 16;

/** The answers to one question. `accepts` says whether a torrent may be an answer to it: whether it has the code. */
export class ShareSearch {
  readonly #accepts: (infoHash: InfoHash) => boolean;
  readonly #perHost: number;
  readonly #candidates = new Map<InfoHash, Candidate>();
  readonly #hosts = new Set<string>();
  /** The torrents that hosts of each address have named. */
  readonly #namedBy = new Map<string, Set<InfoHash>>();
  /** Torrents whose verification has begun. */
  readonly #tried = new Set<InfoHash>();
  #refused = 0;

  /** `perHost`: how many torrents one address may name. */
  constructor(accepts: (infoHash: InfoHash) => boolean, perHost: number) {
    this.#accepts = accepts;
    this.#perHost = perHost;
  }

  /** Hosts that answered. */
  get hosts(): number {
    return this.#hosts.size;
  }

  /** Torrents that were named and cannot be answers. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes the answer of a host; false when it brought nothing new. */
  take({ endpoint, host, shares }: HostShares): boolean {
    const place = formatEndpoint(endpoint);
    if (!this.#hosts.has(place) && this.#hosts.size >= SHARING.hosts) return false;
    let isNews = !this.#hosts.has(place);
    this.#hosts.add(place);
    for (const share of shares) {
      if (!this.#accepts(share.infoHash)) this.#refused++;
      else if (this.#add(share, { name: host, endpoint }, place)) isNews = true;
    }
    return isNews;
  }

  #add(share: Share, host: FoundHost, place: string): boolean {
    const { address } = host.endpoint;
    const known = this.#candidates.get(share.infoHash);
    if (known?.hosts.some(({ endpoint }) => formatEndpoint(endpoint) === place)) return false;
    if (known === undefined && this.#candidates.size >= SHARING.listed) return false;
    const named = this.#namedBy.get(address) ?? new Set();
    if (named.size >= this.#perHost && !named.has(share.infoHash)) return false;
    this.#namedBy.set(address, named.add(share.infoHash));
    const candidate = known ?? { share, hosts: [], trackers: new Set() };
    this.#candidates.set(share.infoHash, candidate);
    candidate.hosts.push(host);
    for (const tracker of share.trackers) {
      if (candidate.trackers.size < MAX_TRACKERS) candidate.trackers.add(tracker);
    }
    return true;
  }

  /** All torrents that were named, in the order in which they were. */
  get found(): FoundShare[] {
    return Array.from(this.#candidates.values(), ({ share, hosts, trackers }) => (
      { ...share, hosts: [...hosts], trackers: [...trackers] }
    ));
  }

  /**
   * Up to `limit` torrents to verify now; each is returned once. Those come first that a host named which named few
   * others, and then those that many hosts name: a forger that names many waits behind all others.
   */
  takeUntried(limit: number): FoundShare[] {
    const fewest = ({ hosts }: FoundShare) =>
      Math.min(...hosts.map(({ endpoint }) => this.#namedBy.get(endpoint.address)!.size));
    const next = this.found.filter(({ infoHash }) => !this.#tried.has(infoHash))
      .sort((a, b) => fewest(a) - fewest(b) || b.hosts.length - a.hosts.length).slice(0, Math.max(limit, 0));
    for (const { infoHash } of next) this.#tried.add(infoHash);
    return next;
  }
}
