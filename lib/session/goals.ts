/** Decides when a torrent has been shared enough. */
import type { Choices } from "../swarm/policy.ts";
import type { SwarmSnapshot } from "../swarm/ports.ts";

const MINUTE = 60_000;

/**
 * The reason why a torrent that seeds is to rest; undefined as long as it goes on. `seedingMs`: how long it has seeded.
 *
 * The ratio is that of sent to received bytes. Data that was here before counts as received once, so that who shares
 * data of their own shares it as often as others would.
 */
export function reachedGoal(
  { uploaded, downloaded, have, pieceLength, length }: Pick<
    SwarmSnapshot,
    "uploaded" | "downloaded" | "have" | "pieceLength" | "length"
  >,
  { seedRatio, seedTimeMs }: Pick<Choices, "seedRatio" | "seedTimeMs">,
  seedingMs: number,
): string | undefined {
  const received = Math.max(downloaded, Math.min(have * pieceLength, length));
  if (uploaded >= seedRatio * received) return `ratio ${seedRatio} reached`;
  if (seedingMs < seedTimeMs) return undefined;
  const isLong = seedTimeMs >= MINUTE;
  const time = isLong
    ? `${Math.round(seedTimeMs / MINUTE * 10) / 10} minutes`
    : `${seedTimeMs / 1_000} seconds`;
  return `seeding time of ${time} reached`;
}
