/**
 * Decides which peers get a place: an upload slot or a download source (BEP 3 "choking and optimistic unchoking").
 *
 * All places but one go to the fastest peers. The last one goes to a peer by chance, with newcomers favoured, so that
 * every peer is measured at some time.
 */
import { CHOKING } from "../../settings.ts";
import type { SlotReason } from "../ports.ts";

/** One remote peer that could use a place. */
export interface Candidate {
  /** Number of the remote peer. */
  readonly number: number;
  /** Bytes per second it gave us, or took from us while we seed. */
  readonly rate: number;
  /** Whether it connected only lately, so that it holds more lots than the others. */
  readonly isNewcomer: boolean;
}

/** A peer that gets a place, and why. */
export interface Decision {
  readonly number: number;
  readonly reason: Extract<SlotReason, "fastest" | "by chance" | "free place">;
}

/**
 * Gives all places anew, as in each round: to the `places - 1` fastest peers and to one by chance. `random` yields
 * numbers in [0, 1).
 */
export function choose(
  candidates: readonly Candidate[],
  places: number,
  random: () => number,
): Decision[] {
  const byRate = candidates.toSorted((a, b) => b.rate - a.rate);
  const fastest = byRate.slice(0, Math.max(places - 1, 0)).filter(({ rate }) => rate > 0);
  const rest = byRate.filter((candidate) => !fastest.includes(candidate));
  return [
    ...fastest.map(({ number }): Decision => ({ number, reason: "fastest" })),
    ...drawLots(rest, places - fastest.length, random).map((number): Decision => ({
      number,
      reason: "by chance",
    })),
  ];
}

/** One remote peer that waits for an upload slot. */
interface Waiting {
  /** Number of the remote peer. */
  readonly number: number;
  /** Pieces it has. */
  readonly have: number;
}

/**
 * Gives upload slots that became free between two rounds to peers that have little; chance decides among those that
 * have about as much.
 *
 * Rounds are rare. By lot alone, one receiver could have three givers while the others have four, for the whole of a
 * short transfer, and all would wait for it. By what they have alone, all givers of a large swarm would give their slots
 * to the same few that are behind, more than these can use, and the others would wait.
 */
export function fillBehind(waiting: readonly Waiting[], free: number, random: () => number): Decision[] {
  const haves = waiting.map(({ have }) => have);
  const spread = 1 + (Math.max(...haves) - Math.min(...haves)) / 2;
  return waiting.map(({ number, have }) => ({ number, place: have + random() * spread }))
    .toSorted((a, b) => a.place - b.place)
    .slice(0, Math.max(free, 0))
    .map(({ number }) => ({ number, reason: "free place" }));
}

/** Gives places that became free between two rounds, by lot among `candidates`. */
export function fill(candidates: readonly Candidate[], free: number, random: () => number): Decision[] {
  return drawLots(candidates, free, random).map((number) => ({ number, reason: "free place" }));
}

/** Draws `count` different candidates; a newcomer holds `CHOKING.newcomerLots` lots, others one. */
function drawLots(candidates: readonly Candidate[], count: number, random: () => number): number[] {
  const left = [...candidates];
  const drawn: number[] = [];
  const lotsOf = (candidate: Candidate) => candidate.isNewcomer ? CHOKING.newcomerLots : 1;
  while (drawn.length < count && left.length > 0) {
    let lot = random() * left.reduce((sum, candidate) => sum + lotsOf(candidate), 0);
    let winner = left.findIndex((candidate) => (lot -= lotsOf(candidate)) < 0);
    if (winner < 0) winner = left.length - 1;
    drawn.push(left.splice(winner, 1)[0].number);
  }
  return drawn;
}
