/** A fleet in lines for people. */
import type { FleetView, InvitationView, OfferView } from "../../api/shapes.ts";
import { printable } from "../../log.ts";
import { clockText } from "../control/clock_text.ts";
import type { Page } from "../control/remote.ts";
import { type Column, tableLines } from "../control/table.ts";
import { formatBytes } from "../number_format.ts";
import { offeredText, takenText } from "../progress/offer_text.ts";

type Fleet = NonNullable<FleetView["fleet"]>;
type Member = Fleet["members"][number];

const NO_FLEET =
  "this host is a member of no fleet: peer fleet create NAME makes one, peer fleet join CODE joins one";

/** The fleet, and who was met. */
export function listLines(view: FleetView, page: Page): string[] {
  const { fleet } = view;
  if (fleet === undefined) return [NO_FLEET];
  const { members, invitation, offers } = fleet;
  const here = members.filter(({ isHere }) => isHere).length;
  const rows = members.length === 0 ? ["no other host was met yet"] : tableLines(COLUMNS, members, page);
  return [
    ...choiceLines(view),
    ...invitation?.state === "open" ? invitationLines(invitation) : [],
    ...members.length === 0 ? [] : [`${here} of ${members.length} other hosts are here`],
    ...rows,
    ...offers.some(({ state }) => state !== "cancelled") ? offerLines(view, page) : [],
  ];
}

const COLUMNS: readonly Column<Member>[] = [
  { title: "HOST", text: ({ name }) => name, isElastic: true, rank: 0 },
  { title: "ADDRESS", text: ({ endpoint }) => endpoint, rank: 2 },
  {
    title: "STATE",
    text: ({ isHere, seenAt }) => isHere ? "here" : `away since ${clockText(seenAt)}`,
    style: ({ isHere }) => isHere ? "green" : "red",
    rank: 0,
  },
  { title: "LEAD", text: ({ isLead }) => isLead ? "yes" : "", rank: 1 },
  { title: "KEY", text: ({ fingerprint }) => fingerprint, rank: 3 },
];

/** What this host is in its fleet, and whom it obeys. */
export function choiceLines({ self, fleet }: FleetView): string[] {
  if (fleet === undefined) return [NO_FLEET];
  const { name, isLead, accept, quota, leads } = fleet;
  const others = leads.filter(({ key }) => key !== self.key);
  const obeyed = others.map(({ name, fingerprint }) => name || fingerprint).join(", ");
  const room = quota === undefined ? "half of what is free" : formatBytes(quota);
  const how = accept === "lead" ? "by itself" : "after peer fleet accept";
  return [
    printable(`${name} · this host is ${self.name}, ${isLead ? "a lead" : "a member"}`),
    ...others.length === 0 ? [] : [printable(`takes what ${obeyed} offers ${how}, at most ${room}`)],
  ];
}

/** What is offered, and how this host takes it, or how all take what it offers. */
export function offerLines({ fleet }: FleetView, page: Page): string[] {
  if (fleet === undefined) return [NO_FLEET];
  const offers = fleet.offers.filter(({ state }) => state !== "cancelled");
  return offers.length === 0 ? ["nothing is offered"] : tableLines(OFFER_COLUMNS, offers, {
    ...page,
    below: (offer) => ({ text: offer.hosts === undefined ? takenText(offer) : offeredText(offer.hosts) }),
  });
}

const OFFER_COLUMNS: readonly Column<OfferView>[] = [
  { title: "OFFER", text: ({ name }) => name, isElastic: true, rank: 0 },
  { title: "SIZE", text: ({ length }) => formatBytes(length), isNumber: true, rank: 0 },
  { title: "FROM", text: ({ lead }) => lead, rank: 1 },
];

/** One offer after an order. */
export function offerLine(offer: OfferView): string {
  return printable(`${offer.name || offer.infoHash}: ${takenText(offer)}`);
}

/** The code, and what to do with it. */
export function invitationLines({ code, expiresAt }: InvitationView): string[] {
  return [
    `code  ${code}`,
    `on each other machine, until ${clockText(expiresAt)}:  peer fleet join ${code}`,
  ];
}

/** The key of this home and those of the leads, to be compared. */
export function keyLines({ self, fleet }: FleetView): string[] {
  const leads = fleet?.leads.filter(({ key }) => key !== self.key) ?? [];
  return [
    `${self.fingerprint}  (this host)`,
    `key  ${self.key}`,
    ...leads.map(({ name, fingerprint }) => printable(`${fingerprint}  (lead${name && ` ${name}`})`)),
  ];
}
