import { adviceOnLackOfData } from "./announce_advice.ts";
import type { JoinedTorrent } from "../joined_torrent.ts";
import { factsOf, type SessionEvent } from "../session_options.ts";

/** The events for a torrent that has joined its swarm: its facts, and what the user should know or do. */
export function newsOfJoin(
  { swarm, warnings, completion }: JoinedTorrent,
  folder: string,
  now: number,
): SessionEvent[] {
  const { infoHash } = swarm;
  const facts = factsOf(swarm.snapshot(now));
  const lack = adviceOnLackOfData(facts, folder);
  const advice = [...warnings, ["no-data", lack]] as const;
  return [
    { event: "torrent", ...facts },
    ...completion,
    ...advice.flatMap(([code, message]) =>
      message === undefined ? [] : [{ event: "warning", code, message, infoHash } as const]
    ),
  ];
}
