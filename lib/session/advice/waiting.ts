/** Tells people why a torrent makes no progress although it is not finished: the answer to "what is it doing?". */
import type { Announcer, TrackerFailure } from "../../net/tracker/announcer.ts";
import { ownAddresses } from "../../net/addresses/own_addresses.ts";
import { announceHost, announcePort } from "../../protocol/announce_address.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { SwarmSnapshot, Waiting } from "../../swarm/ports.ts";
import { portTakenText, unreachableText } from "../doctor/checks.ts";

/** The state of a torrent's search for peers. */
export interface Search {
  readonly hasTrackers: boolean;
  /** Trackers that did not accept the last announce. */
  readonly failures: readonly TrackerFailure[];
  /** Whether the session looks for peers by multicast. */
  readonly usesMulticast: boolean;
  /** Whether a host, named by its address, maybe with a port, is this machine. */
  isHere(host: string): boolean;
  /** The port of our own tracker; undefined where there is none. */
  readonly trackerPort: number | undefined;
  /** The start of the search, in ms. */
  readonly startedAt: number;
  /** The present time in ms, on the same clock. */
  readonly now: number;
}

/** A search younger than this, in ms, needs no explanation: peers on a LAN find each other within two seconds. */
const PATIENCE_MS = 3_000;

/** The reason why no data comes. Undefined where data comes, none is wanted, or the state itself is the reason. */
export function waitingOf(snapshot: SwarmSnapshot, search: Search): Waiting | undefined {
  const { lacksMetadata, missing, downloadRate } = snapshot;
  if (search.now - search.startedAt < PATIENCE_MS) return undefined;
  if (isSettled(snapshot) || downloadRate > 0 || (missing === 0 && !lacksMetadata)) return undefined;
  const { held, offering, connections, role, known } = snapshot;
  if (held > 0) return because("an older version that is here is looked through for its pieces");
  if (offering > 0) return because(`${peers(offering, "has", "have")} data and did not give any yet`);
  const nobody = `nobody here has ${lacksMetadata ? "the metadata" : "the data"} yet`;
  if (connections > 0) {
    return because(
      `${nobody}: ${peers(connections, "is connected and lacks", "are connected and lack")} it too`,
    );
  }
  const [failure] = search.failures.toSorted((a, b) => a.nextTryAt - b.nextTryAt);
  if (failure !== undefined) {
    const others = search.failures.length - 1;
    const { host, reason } = failure;
    const why = search.isHere(host)
      ? portTakenText(host, announcePort(new URL(`http://${host}`)), search.trackerPort)
      : `tracker ${host} ${wordsFor(reason)}`;
    const tracker = `${nobody}: ${why}`;
    const nextTryInMs = Math.max(0, failure.nextTryAt - search.now);
    return {
      reason: others > 0 ? `${tracker}, and ${others} more` : tracker,
      nextTryInMs: Number.isFinite(nextTryInMs) ? nextTryInMs : undefined,
    };
  }
  if (known > 0) {
    return because(`${nobody}: ${unreachableText(known)}`);
  }
  if (role === "announcer") return because(`${nobody}: this machine is the announcer, and nobody else came`);
  const asked = [
    search.hasTrackers ? "the tracker knows nobody else" : "the torrent names no other tracker",
    search.usesMulticast ? "nobody answers by multicast" : "multicast is off",
  ];
  return because(`${nobody}: ${asked.join(", and ")}`);
}

/** Whether nothing is fetched, or the state itself says why. */
function isSettled({ finished, state, checked }: SwarmSnapshot): boolean {
  return finished || checked !== undefined || (state !== "downloading" && state !== "fetching metadata");
}

/** Error texts of the systems for a tracker out of reach, each with words that people understand. */
const PLAIN_WORDS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/connection refused|ECONNREFUSED|actively refused/i, "refuses connections"],
  [/no answer within|timed out/i, "does not answer"],
  [/unreachable|no route/i, "cannot be reached"],
  [/dns|lookup|ENOTFOUND|EAI_AGAIN|name or service/i, "has a name that is not known here"],
];

/** The failure of a tracker in words for people, such as "refuses connections". */
export function wordsFor(reason: string): string {
  return PLAIN_WORDS.find(([pattern]) => pattern.test(reason))?.[1] ?? `fails (${reason})`;
}

function because(reason: string): Waiting {
  return { reason, nextTryInMs: undefined };
}

function peers(count: number, one: string, many: string): string {
  return count === 1 ? `1 peer ${one}` : `${count} peers ${many}`;
}

/** The same as far as `announcer`, undefined for none, knows of the search. */
export function waitingIn(
  snapshot: SwarmSnapshot,
  announcer: Announcer | undefined,
  usesMulticast: boolean,
  { now, trackerPort }: Pick<Surroundings, "now" | "trackerPort">,
): Waiting | undefined {
  if (announcer === undefined || isSettled(snapshot)) return undefined;
  const { hasTrackers, failures, startedAt } = announcer;
  return waitingOf(snapshot, {
    hasTrackers,
    failures,
    usesMulticast,
    isHere: (host) => ownAddresses().includes(announceHost(`http://${host}`)),
    trackerPort,
    startedAt,
    now: now(),
  });
}
