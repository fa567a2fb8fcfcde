/** A fleet at one moment, as plain data. Times in ms since 1970. */
import { fingerprint, keyText } from "../../protocol/fleet_key.ts";
import type { InvitationState } from "../../swarm/fleet/invitation_extension.ts";
import type { OfferView } from "./offer_view.ts";
import type { Acceptance, KeptFleet, KeptLead, KeptMember } from "../kept/kept_fleet.ts";

/** A key as people see it. */
export interface KeyView {
  /** 43 characters. */
  readonly key: string;
  /** Six words to compare. */
  readonly fingerprint: string;
}

/** A member that was met. */
export interface MemberView extends KeyView {
  readonly name: string;
  readonly isLead: boolean;
  /** Whether it is connected. */
  readonly isHere: boolean;
  readonly endpoint: string;
  readonly seenAt: number;
}

/** The last invitation of this run. */
export interface InvitationView {
  readonly code: string;
  readonly state: InvitationState | "time is up";
  readonly joined: number;
  readonly expiresAt: number;
}

/** The key of this home, and the fleet that it is a member of. */
export interface FleetView {
  /** Without a key where there was no need of one yet. */
  readonly self: Partial<KeyView> & { readonly name: string };
  readonly fleet: {
    readonly name: string;
    /** Whether this host is a lead. */
    readonly isLead: boolean;
    readonly accept: Acceptance;
    readonly quota: number | undefined;
    readonly leads: readonly (KeyView & { readonly name: string })[];
    readonly members: readonly MemberView[];
    readonly invitation: InvitationView | undefined;
    readonly offers: readonly OfferView[];
  } | undefined;
}

export function keyView(key: Uint8Array): KeyView {
  return { key: keyText(key), fingerprint: fingerprint(key) };
}

/** The leads that a member obeys; one that was trusted by its key alone has the name by which it was met. */
export function leadViews({ leads, members }: KeptFleet, self: KeptLead) {
  return leads.map(({ key, name }) => ({
    ...keyView(key),
    name: name || (members.get(key.toHex())?.name ?? (key.toHex() === self.key.toHex() ? self.name : "")),
  }));
}

/** The members that were met, by name. `isHere`: whether a key is connected. */
export function memberViews(
  { leads, members }: KeptFleet,
  isHere: (id: string) => boolean,
): MemberView[] {
  const leadIds = new Set(leads.map(({ key }) => key.toHex()));
  const view = ([id, { key, name, endpoint, seenAt }]: [string, KeptMember]) => (
    { ...keyView(key), name, isLead: leadIds.has(id), isHere: isHere(id), endpoint, seenAt }
  );
  return [...members].map(view).sort(byName);
}

/** Sorts hosts by name. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
