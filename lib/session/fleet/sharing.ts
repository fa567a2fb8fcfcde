/** What this session shares with hosts that ask under a lookup hash: whoever has a torrent answers for its code. */
import { isNear } from "../../net/addresses/own_addresses.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { lookupHash } from "../../protocol/lookup_hash.ts";
import { skeyHash } from "../../protocol/mse.ts";
import { lookupHashesOf } from "../../protocol/share_code.ts";
import { MAX_SHARES, type Share } from "../../protocol/share_messages.ts";
import { ShareExtension } from "../../swarm/fleet/share_extension.ts";
import type { Torrent } from "../torrent.ts";
import { isShared, shareOf } from "./share_of.ts";
import type { Answering } from "./lookups.ts";

/** The lookup hash of all that is shared near by. */
export const NEAR = lookupHash("near");

/** The lookup hashes of one torrent, and those hashes as encrypted handshakes name them. */
interface OwnHashes {
  readonly lookup: readonly InfoHash[];
  readonly skey: readonly string[];
}

/** The shares of a session, found by lookup hash. */
export class Sharing implements Answering {
  readonly #torrents: () => Iterable<Torrent>;
  readonly #machine: string;
  readonly #hashes = new Map<InfoHash, OwnHashes>();
  /** The torrents under each lookup hash; undefined when torrents have come or gone since. */
  #index: ReadonlyMap<InfoHash, readonly Torrent[]> | undefined;
  #bySkeyHash: ReadonlyMap<string, InfoHash> = new Map();
  /** Whether any torrent is told to those who know no code. */
  #hasListed = false;

  /** `torrents`: all of the session; `machine`: its name in the room. */
  constructor(torrents: () => Iterable<Torrent>, machine: string) {
    this.#torrents = torrents;
    this.#machine = machine;
  }

  /** Torrents have come or gone, or are listed or not listed now. */
  changed(): void {
    this.#index = undefined;
  }

  isAnswered(infoHash: InfoHash): boolean {
    const current = this.#current;
    return infoHash === NEAR ? this.#hasListed : current.has(infoHash);
  }

  extensionFor(infoHash: InfoHash): ShareExtension {
    const isTold = (address: string) => infoHash !== NEAR || isNear(address);
    return new ShareExtension(
      this.#machine,
      (address) => isTold(address) ? this.sharesUnder(infoHash) : [],
    );
  }

  findInfoHash(hash: string): InfoHash | undefined {
    void this.#current;
    return this.#bySkeyHash.get(hash);
  }

  /** Whether the session has a torrent. */
  has(infoHash: InfoHash): boolean {
    return [...this.#torrents()].some((torrent) => torrent.infoHash === infoHash);
  }

  /** What is shared under a lookup hash now, the newest first. */
  sharesUnder(infoHash: InfoHash): Share[] {
    const isNear = infoHash === NEAR;
    const torrents = isNear ? this.#torrents() : this.#current.get(infoHash) ?? [];
    return [...torrents].filter((torrent) => isShared(torrent) && (!isNear || torrent.will.kept.isListed))
      .sort((a, b) => b.will.kept.addedAt - a.will.kept.addedAt).slice(0, MAX_SHARES)
      .flatMap((torrent) => shareOf(torrent) ?? []);
  }

  /** The index as the torrents are now. Hashes are computed once for each torrent. */
  get #current(): ReadonlyMap<InfoHash, readonly Torrent[]> {
    if (this.#index !== undefined) return this.#index;
    const index = new Map<InfoHash, Torrent[]>();
    const bySkeyHash = new Map([[skeyHash(NEAR), NEAR]]);
    const torrents = [...this.#torrents()].filter(isShared);
    const present = new Set(torrents.map(({ infoHash }) => infoHash));
    for (const infoHash of this.#hashes.keys()) if (!present.has(infoHash)) this.#hashes.delete(infoHash);
    for (const torrent of torrents) {
      const { lookup, skey } = this.#hashesOf(torrent.infoHash);
      lookup.forEach((infoHash, position) => {
        index.set(infoHash, [...index.get(infoHash) ?? [], torrent]);
        bySkeyHash.set(skey[position], infoHash);
      });
    }
    this.#bySkeyHash = bySkeyHash;
    this.#hasListed = torrents.some(({ will }) => will.kept.isListed);
    return this.#index = index;
  }

  #hashesOf(infoHash: InfoHash): OwnHashes {
    const known = this.#hashes.get(infoHash);
    if (known !== undefined) return known;
    const lookup = lookupHashesOf(infoHash);
    const hashes = { lookup, skey: lookup.map(skeyHash) };
    this.#hashes.set(infoHash, hashes);
    return hashes;
  }
}
