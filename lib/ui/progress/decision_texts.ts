/** Says in sentences, for people who are new to BitTorrent, what a torrent's swarm has decided and why. */
import type { SessionEvent } from "../../session/session.ts";
import type { GivenPlace, PeerSource, Role, SlotReason, SourceReason } from "../../swarm/ports.ts";
import { formatRate } from "../number_format.ts";
import type { ShownEvent } from "./progress_view.ts";

type Told<Name extends SessionEvent["event"]> = Extract<SessionEvent, { event: Name }>;

/** Names of peers that are listed one by one. */
const LISTED = 3;

/** The sentences about an event of one torrent, without its name; none for an event that is no decision. */
export function decisionTexts(event: ShownEvent): string[] {
  switch (event.event) {
    case "tracker":
      return [trackerText(event)];
    case "rechoke":
      return roundTexts(event);
    case "piece":
      return [pieceText(event)];
    case "status":
      return [roleTextOf(event)];
    case "peers":
      return [
        `${count(event.peers.length, "other peer is", "other peers are")} known; ${NEWS_FROM[event.source]}`,
      ];
    case "connected":
      return [`connected with ${event.peer} (${event.client})`];
    case "disconnected":
      return [`the connection with ${event.peer} has ended: ${event.reason}`];
    default:
      return [];
  }
}

/** Where news of other peers came from. */
const NEWS_FROM: Readonly<Record<PeerSource, string>> = {
  tracker: "the news came from a tracker",
  broadcast: "the news came in the list that a tracker pushed",
  pex: "the news came from another peer",
  lsd: "the news came by multicast",
  dht: "the news came from the DHT",
  user: "the user named them, or an earlier run knew them",
  incoming: "a peer has connected to us",
};

function trackerText({ names, known, pushedTo, ...change }: Told<"tracker">): string {
  const named = (places: readonly string[]) =>
    places.map((place) => place in names ? `${names[place]} (${place})` : place);
  const [joined, left, finished] = [change.joined, change.left, change.finished].map(named);
  const changes = [
    ...(joined.length > 0 ? [`${listed(joined)} joined`] : []),
    ...(left.length > 0 ? [`${listed(left)} left`] : []),
    ...(finished.length > 0
      ? [`${listed(finished)} ${finished.length === 1 ? "has" : "have"} everything`]
      : []),
  ];
  const news = changes.length === 0 ? "the list changed" : changes.join(", ");
  const push = pushedTo === 0
    ? "nobody is connected that the new list could be sent to"
    : `the new list was sent to ${pushedTo}`;
  return `${news} at the tracker: ${count(known, "peer", "peers")} known, ${push}`;
}

function pieceText({ piece, peers, good, file, offset }: Told<"piece">): string {
  const senders = peers.length === 0 ? "was received in an earlier run" : `came from ${listed(peers)}`;
  return good
    ? `piece ${piece} is right: it ${senders}, and begins at byte ${offset} of ${file}`
    : `piece ${piece} is wrong: it ${senders}, and is fetched again`;
}

function roleTextOf({ role, seeding }: Told<"status">): string {
  const texts: Readonly<Record<Role, string>> = {
    announcer: `this machine is now the announcer, as an announce address of the torrent leads to it` +
      (seeding ? "; it has all data" : ""),
    seeder: "this machine is now a seeder: it has all data and gives it to others",
    peer: "this machine is now a peer: it lacks data, and gives what it has",
  };
  return texts[role];
}

/** The sentences about a round: first how many peers there are for the places, then one about each place. */
function roundTexts(event: Told<"rechoke">): string[] {
  const { slots, waitingForSlot, sources, waitingAsSource } = event;
  const wanting = slots.length + waitingForSlot;
  const offering = sources.length + waitingAsSource;
  // Nothing was decided, and a seeder has such a round each 30 s.
  if (wanting + offering === 0) return [];
  const counts = [
    wanting === 0
      ? "nobody wants our data"
      : `${count(wanting, "peer wants", "peers want")} our data, ${slots.length} ` +
        `${slots.length === 1 ? "has" : "have"} a slot, ${waitingText(waitingForSlot)}`,
    ...(offering === 0 ? [] : [
      `${count(offering, "peer has", "peers have")} data for us, we ask ${sources.length}, ` +
      waitingText(waitingAsSource),
    ]),
  ];
  return [
    `a new round: ${counts.join("; ")}`,
    ...slots.map((slot, position) => slotText(slot, position, wanting, event.slotsBy)),
    ...sources.map((source, position) => sourceText(source, position, offering)),
  ];
}

function slotText(
  { peer, reason, rate }: GivenPlace<SlotReason>,
  position: number,
  wanting: number,
  by: Told<"rechoke">["slotsBy"],
): string {
  const measured = by === "what they give"
    ? `it gives us ${formatRate(rate)}`
    : `it takes ${formatRate(rate)} from us`;
  switch (reason) {
    case "fastest":
      return `${peer} gets a slot: ${measured}, ${rank(position, wanting, "wants one", "want one")}`;
    case "by chance":
      return `${peer} gets the optimistic slot: by chance, so that every peer gets a turn to show how fast it is`;
    default:
      return `${peer} keeps the slot that it got when one was free: ${measured}`;
  }
}

function sourceText(
  { peer, reason, rate }: GivenPlace<SourceReason>,
  position: number,
  offering: number,
): string {
  const measured = `it gives us ${formatRate(rate)}`;
  switch (reason) {
    case "fastest":
      return `${peer} is a source: ${measured}, ${
        rank(position, offering, "has data for us", "have data for us")
      }`;
    case "by chance":
      return `${peer} is a source: by chance, so that every peer gets a turn to show how fast it is`;
    case "on trial":
      return `${peer} is a source: on trial, in place of one that gave less`;
    case "was better before":
      return `${peer} is a source: it gave us more before than the one whose place it takes`;
    case "web seed":
      return `${peer} is a source: a web server, which takes no place from a peer; ${measured}`;
    default:
      return `${peer} is a source, since a place was free: ${measured}`;
  }
}

/** `the most of 5 that want one`, `the second most of …`: the place of a peer among those that stand in order. */
function rank(position: number, all: number, one: string, many: string): string {
  if (all === 1) return `and nobody else ${one}`;
  const ordinals = ["the most", "the second most", "the third most"];
  return `${ordinals[position] ?? `number ${position + 1}`} of ${all} that ${many}`;
}

function waitingText(waiting: number): string {
  return waiting === 0 ? "nobody waits" : count(waiting, "waits", "wait");
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`, `a, b, c and 5 more`. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED);
  const more = names.length - shown.length;
  const parts = more > 0 ? [...shown, `${more} more`] : shown;
  return parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
