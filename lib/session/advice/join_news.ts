import { adviceOnLackOfData } from "./announce_advice.ts";
import type { JoinedTorrent } from "../joined_torrent.ts";
import { adviceOnSamePlace } from "./place_advice.ts";
import { factsOf, type SessionEvent } from "../session_options.ts";
import type { AnySwarm } from "../../swarm/swarm_registry.ts";

/** The events for a torrent that has joined its swarm: its facts, and what the user should know or do. */
export function newsOfJoin(
  { swarm, warnings, completion }: JoinedTorrent,
  home: string,
  swarms: Iterable<AnySwarm>,
  now: number,
): SessionEvent[] {
  const { infoHash } = swarm;
  const facts = factsOf(swarm.snapshot(now));
  const lack = adviceOnLackOfData(facts, home);
  const rival = adviceOnSamePlace(swarm, swarms);
  const advice = [...warnings, ["no-data", lack], ["in-the-way", rival]] as const;
  return [
    { event: "torrent", ...facts },
    ...completion,
    ...advice.flatMap(([code, message]) =>
      message === undefined ? [] : [{ event: "warning", code, message, infoHash } as const]
    ),
  ];
}
