/** Decides which torrents run, and which wait in the queue until others are done. */

/** A torrent, as the queue sees it. */
interface Queued {
  /** Whether it is to be downloaded now, so that it counts among those that run at once. */
  readonly isDemanding: boolean;
  /** Lets it wait, or lets it run. */
  hold(isHeld: boolean): void;
}

/**
 * Lets the first `maxActive` of the demanding torrents run, and the others wait; `torrents` in the order of the queue.
 * Returns whether any waits.
 */
export function balance(torrents: Iterable<Queued>, maxActive: number): boolean {
  let active = 0;
  const held: Queued[] = [];
  const free: Queued[] = [];
  for (const torrent of torrents) {
    const isHeld = torrent.isDemanding && ++active > maxActive;
    (isHeld ? held : free).push(torrent);
  }
  // Those that are to wait go first, so that there are never more than allowed.
  for (const torrent of held) torrent.hold(true);
  for (const torrent of free) torrent.hold(false);
  return held.length > 0;
}

/** A move within the queue. */
export type QueueMove = "top" | "up" | "down" | "bottom";

/**
 * The new ranks after a move, by position in the order before it: as few as possible, since each is saved. `ranks` are
 * those of all torrents in the order of the queue; `position` is that of the torrent that moves.
 */
export function ranksAfter(ranks: readonly number[], position: number, to: QueueMove): Map<number, number> {
  const last = ranks.length - 1;
  const target =
    { top: 0, up: Math.max(position - 1, 0), down: Math.min(position + 1, last), bottom: last }[to];
  if (target === position) return new Map();
  const order = ranks.keys().toArray();
  order.splice(target, 0, ...order.splice(position, 1));
  const before = target === 0 ? -Infinity : ranks[order[target - 1]];
  const after = target === last ? Infinity : ranks[order[target + 1]];
  const rank = after === Infinity ? before + 1 : before === -Infinity ? after - 1 : (before + after) / 2;
  if (rank > before && rank < after) return new Map([[position, rank]]);
  // There is no number left between the two.
  return new Map(order.map((position, rank) => [position, rank]));
}
