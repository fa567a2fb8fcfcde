/** Operations on the fleet that this home is a member of. */
import type { GenericSchema, InferOutput } from "valibot";
import type { FleetChoices as Choices, Session } from "../../session/session.ts";
import { jsonOf } from "../events/state.ts";
import { Fleet, ImageKey, Invitation, OwnKey } from "./answers.ts";
import {
  Distrust,
  Empty,
  FleetChoices,
  Forgetting,
  Joining,
  NewFleet,
  NewInvitation,
  NewOffer,
  OfferedTorrent,
  Trust,
  Waking,
} from "./bodies.ts";
import { type Operation, operation } from "./operation.ts";

/** An order that answers with the fleet as it is then. */
function order<Body>(
  name: string,
  summary: string,
  body: GenericSchema<unknown, Body>,
  give: (fleet: Session["fleet"], body: Body) => Promise<void>,
): Operation {
  return operation<Body>({
    method: "post",
    path: `/fleet/${name}`,
    summary,
    body,
    answer: Fleet,
    run: async ({ session: { fleet }, body }) => {
      await give(fleet, body);
      return jsonOf(fleet.view);
    },
  });
}

function choicesOf({ accept, quota }: InferOutput<typeof FleetChoices>): Choices {
  return {
    ...accept === undefined ? {} : { accept },
    ...quota === undefined ? {} : { quota: quota ?? undefined },
  };
}

export const FLEET_OPERATIONS: readonly Operation[] = [
  operation({
    method: "get",
    path: "/fleet",
    summary: "The key of this home, the fleet that it is a member of, and who is there",
    answer: Fleet,
    run: ({ session }) => jsonOf(session.fleet.view),
  }),
  operation({
    method: "post",
    path: "/fleet/key",
    summary: "The key of this home, which is made where there was no need of one yet",
    body: Empty,
    answer: OwnKey,
    run: ({ session }) => session.fleet.ownKey(),
  }),
  order("create", "Make a fleet, with this host as its first lead", NewFleet, (fleet, { name }) => {
    return fleet.create(name);
  }),
  operation({
    method: "post",
    path: "/fleet/invite",
    summary: "Let hosts join by a code, for ten minutes; an earlier invitation ends",
    body: NewInvitation,
    answer: Invitation,
    run: async ({ session, body: { count } }) => jsonOf(await session.fleet.invite(count)),
  }),
  order(
    "join",
    "Become a member by the code of an invitation; the answer may take some seconds",
    Joining,
    (fleet, { code, peers = [], ...choices }) => fleet.join(code, peers, choicesOf(choices)),
  ),
  order(
    "trust",
    "Obey another lead, or become a member, by a key",
    Trust,
    (fleet, { key, ...choices }) => fleet.trust(key, choicesOf(choices)),
  ),
  order(
    "distrust",
    "Obey a lead no more: its key, fingerprint or name",
    Distrust,
    (fleet, { key }) => fleet.distrust(key),
  ),
  order("choose", "Choose how offers of leads are taken", FleetChoices, (fleet, choices) => {
    return fleet.choose(choicesOf(choices));
  }),
  order(
    "offer",
    "Offer a torrent of this session to members, as lead",
    NewOffer,
    (fleet, { infoHash, to, replaces }) => fleet.offer(infoHash, to, replaces),
  ),
  order(
    "cancel",
    "Take back what this host offers; members that do not have all of it leave it",
    OfferedTorrent,
    (fleet, { infoHash }) => fleet.cancel(infoHash),
  ),
  order("accept", "Take what a lead offers this host", OfferedTorrent, (fleet, { infoHash }) => {
    return fleet.accept(infoHash);
  }),
  order("decline", "Do not take what a lead offers this host", OfferedTorrent, (fleet, { infoHash }) => {
    return fleet.decline(infoHash);
  }),
  order("forget", "Forget a member that is away", Forgetting, (fleet, { host }) => fleet.forget(host)),
  order("wake", "Switch on members that are away (Wake-on-LAN)", Waking, (fleet, { hosts }) => {
    return fleet.wake(hosts);
  }),
  order("leave", "Be a member no more", Empty, (fleet) => fleet.leave()),
  operation({
    method: "post",
    path: "/fleet/image-key",
    summary: "The key that makes a host a member without an invitation, for disk images; from a lead only",
    body: Empty,
    answer: ImageKey,
    run: ({ session }) => ({ key: session.fleet.imageKey }),
  }),
];
