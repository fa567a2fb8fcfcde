import type { PeerEvent } from "../harness/processes/peer_run.ts";

/** How often the data left its first seeder. */
export interface CopiesSent {
  /** Until the first of the others had everything: the swarm held a whole copy by then, and somewhat earlier. */
  readonly untilFirstComplete: number;
  readonly inAll: number;
}

/**
 * Counts copies of `size` bytes from what the seeder and the others told; undefined when nobody completed.
 *
 * The seeder tells every second how much it has sent; in between it is taken to send at one rate.
 */
export function copiesSent(
  seeder: readonly PeerEvent[],
  others: readonly PeerEvent[],
  size: number,
): CopiesSent | undefined {
  const first = Math.min(...named(others, "complete").map(({ time }) => time));
  const sent = named(seeder, "progress").map(({ time, uploaded }) => ({ time, bytes: Number(uploaded) }));
  const last = sent.at(-1);
  if (first === Infinity || last === undefined) return undefined;
  return { untilFirstComplete: bytesAt(sent, first) / size, inAll: last.bytes / size };
}

function named(events: readonly PeerEvent[], name: string): PeerEvent[] {
  return events.filter(({ event }) => event === name);
}

function bytesAt(sent: readonly { readonly time: number; readonly bytes: number }[], time: number): number {
  const after = sent.findIndex((sample) => sample.time >= time);
  if (after < 0) return sent.at(-1)!.bytes;
  if (after === 0) return sent[0].bytes;
  const [from, to] = [sent[after - 1], sent[after]];
  return from.bytes + (to.bytes - from.bytes) * (time - from.time) / (to.time - from.time);
}
