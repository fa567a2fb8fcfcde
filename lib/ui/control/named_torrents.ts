/** Finds the torrents of a running process that words of the command line name. */
import { didYouMean } from "../did_you_mean.ts";
import { EXIT, Failure } from "../failure.ts";
import type { TorrentSummary } from "../../api/shapes.ts";

/** The word that names all torrents. */
export const ALL = "all";
/** The fewest digits of an info-hash that name a torrent: fewer are likely to be a slip. */
const MIN_HASH_DIGITS = 4;
/** Torrents listed of those that a word may name. */
const MAX_LISTED = 5;

/** The parts of a torrent by which it is named. */
export type Named = Pick<TorrentSummary, "infoHash" | "name" | "number">;

/**
 * The torrents that the words name, each once: by number, by name, by info-hash, or by a beginning of either that no
 * other torrent has; `all` names all.
 *
 * Errors: `Failure` for a word that names no torrent, or more than one.
 */
export function namedTorrents<Torrent extends Named>(
  words: readonly string[],
  torrents: readonly Torrent[],
): Torrent[] {
  const named = words.flatMap((word) => word === ALL ? torrents : [namedTorrent(word, torrents)]);
  return [...new Set(named)];
}

/** The torrent that a word names. Errors: `Failure` for a word that names none, or more than one. */
export function namedTorrent<Torrent extends Named>(word: string, torrents: readonly Torrent[]): Torrent {
  const folded = word.toLowerCase();
  const isHashBeginning = new RegExp(`^[0-9a-f]{${MIN_HASH_DIGITS},40}$`).test(folded);
  const ways: ((torrent: Torrent) => boolean)[] = [
    ({ number }) => String(number) === word,
    ({ name }) => name === word,
    ({ infoHash }) => infoHash === folded,
    ({ name }) => name.toLowerCase() === folded,
    ({ infoHash }) => isHashBeginning && infoHash.startsWith(folded),
    // A number that no torrent has any more must not name another torrent.
    ({ name }) => folded !== "" && !/^\d+$/.test(word) && name.toLowerCase().startsWith(folded),
  ];
  for (const isNamed of ways) {
    const found = torrents.filter(isNamed);
    if (found.length === 1) return found[0];
    if (found.length > 1) {
      throw new Failure(EXIT.failed, word, `Expected one torrent, got ${listText(found)}`);
    }
  }
  const hint = didYouMean(word, torrents.map(({ name }) => name));
  throw new Failure(
    EXIT.failed,
    word,
    `Expected the number, name or info-hash of a torrent of this peer, got none of them${
      hint || "; peer status shows them"
    }`,
  );
}

function listText(torrents: readonly Named[]): string {
  const shown = torrents.slice(0, MAX_LISTED).map(({ number, name }) => `${number} (${name})`);
  const more = torrents.length - shown.length;
  return `${torrents.length}: ${shown.join(", ")}${
    more > 0 ? ` and ${more} more` : ""
  }; name it by its number`;
}
