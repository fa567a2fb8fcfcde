/** Which torrents a request means, and which have changed lately. */
import type { InfoHash } from "../../protocol/info_hash.ts";
import { RPC } from "../../settings.ts";
import { invalid, isList, type Params } from "./params.ts";
import type { TorrentSnapshot } from "../../session/session.ts";

/** What `ids` says instead of numbers for the torrents that have changed in the last minute. */
const RECENTLY_ACTIVE = ["recently_active", "recently-active"];

/** Whether a request asks for the torrents that have changed lately, and for those that are gone. */
export function asksForRecent(params: Params): boolean {
  const ids = params.value("ids");
  return typeof ids === "string" && RECENTLY_ACTIVE.includes(ids);
}

/**
 * The torrents that a request means, in the order of the session: all where it names none, else those with the numbers
 * and info-hashes in `ids`. A name without a torrent means nothing. Errors: `RpcError` for other types, and for null, so
 * that a client's mistake does not mean all torrents.
 */
export function chosenTorrents(
  params: Params,
  torrents: readonly TorrentSnapshot[],
  recent: RecentTorrents,
): readonly TorrentSnapshot[] {
  const ids = params.value("ids");
  if (ids === undefined) return torrents;
  const named = new Set<number | string>();
  for (const id of isList(ids) ? ids : [ids]) {
    if (typeof id === "number") named.add(id);
    else if (typeof id === "string") named.add(id.toLowerCase());
    else throw invalid("numbers or info-hashes as ids", id);
  }
  const isRecent = RECENTLY_ACTIVE.some((name) => named.has(name));
  return torrents.filter(({ number, infoHash }) =>
    named.has(number) || named.has(infoHash) || (isRecent && recent.isActive(infoHash))
  );
}

/** What was last seen of a torrent. */
interface Seen {
  readonly number: number;
  /** All that may change, as one text. */
  readonly look: string;
  /** When it looked otherwise last. */
  readonly changedAt: number;
  /** Bytes sent and received, and when they last became more; undefined while they have not. */
  readonly transferred: number;
  readonly transferredAt: number | undefined;
}

/** Remembers when each torrent changed last and which are gone. */
export class RecentTorrents {
  readonly #now: () => number;
  #seen = new Map<InfoHash, Seen>();
  /** Numbers of torrents that are gone, and when that was noticed, in ms. */
  readonly #removed = new Map<number, number>();

  /** `now` returns ms since 1970 by a clock that never jumps. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The present time. */
  get now(): number {
    return this.#now();
  }

  /** Looks at all torrents, and notices what has changed since the last look. */
  look(torrents: readonly TorrentSnapshot[]): void {
    const now = this.#now();
    const before = this.#seen;
    this.#seen = new Map(torrents.map((torrent) => {
      const { infoHash, number } = torrent;
      const look = lookOf(torrent);
      const last = before.get(infoHash);
      const changedAt = last?.look === look ? last.changedAt : now;
      const transferred = torrent.uploaded + torrent.downloaded;
      const isMore = last !== undefined && transferred > last.transferred;
      const transferredAt = isMore ? now : last?.transferredAt;
      return [infoHash, { number, look, changedAt, transferred, transferredAt }];
    }));
    for (const [infoHash, { number }] of before) {
      if (this.#seen.get(infoHash)?.number !== number) this.#removed.set(number, now);
    }
    for (const [number, at] of this.#removed) {
      if (now - at > RPC.recentMs) this.#removed.delete(number);
    }
  }

  /** A torrent was changed in a way that its snapshot does not show. */
  touch(infoHash: InfoHash): void {
    const seen = this.#seen.get(infoHash);
    if (seen !== undefined) this.#seen.set(infoHash, { ...seen, changedAt: this.#now() });
  }

  /** Whether a torrent has changed within `RPC.recentMs`. */
  isActive(infoHash: InfoHash): boolean {
    const seen = this.#seen.get(infoHash);
    return seen !== undefined && this.#now() - seen.changedAt <= RPC.recentMs;
  }

  /** When more data of a torrent was last seen to have moved, in ms since 1970; undefined while none was. */
  transferredAt(infoHash: InfoHash): number | undefined {
    return this.#seen.get(infoHash)?.transferredAt;
  }

  /** Numbers of the torrents that went within `RPC.recentMs`. */
  get removed(): number[] {
    return [...this.#removed.keys()];
  }
}

function lookOf(torrent: TorrentSnapshot): string {
  const { state, have, missing, checked, uploaded, downloaded, connections, known, queuePosition } = torrent;
  const { name, labels, failure, downloadRate, uploadRate } = torrent;
  const isBusy = downloadRate > 0 || uploadRate > 0;
  const numbers = [have, missing, checked, uploaded, downloaded, connections, known, queuePosition];
  return JSON.stringify([state, numbers, isBusy, name, labels, failure]);
}
