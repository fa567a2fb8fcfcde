import { joinBytes } from "../protocol/bytes.ts";
import { type Endpoint, formatEndpoint, toCompact } from "../protocol/endpoint.ts";
import { type InfoHash, infoHashBytes, sha1 } from "../protocol/info_hash.ts";
import { RecentMap } from "./recent_map.ts";

/** Ranks whose hash is kept. */
const MAX_KEPT = 1_000;

/**
 * Ranks endpoints for one torrent (rendezvous hashing): all who rank the same endpoints come to the same order without a
 * word, and one that comes or goes changes nothing for the others.
 */
export class Rendezvous {
  readonly #infoHash: Uint8Array<ArrayBuffer>;
  readonly #ranks = new RecentMap<string, string>(MAX_KEPT);

  constructor(infoHash: InfoHash) {
    this.#infoHash = infoHashBytes(infoHash);
  }

  /** SHA-1 of torrent and endpoint as text; the highest is the first. */
  rankOf(endpoint: Endpoint): string {
    const name = formatEndpoint(endpoint);
    const known = this.#ranks.get(name);
    if (known !== undefined) return known;
    const rank = sha1(joinBytes([this.#infoHash, toCompact(endpoint)])).toHex();
    this.#ranks.set(name, rank);
    return rank;
  }
}
