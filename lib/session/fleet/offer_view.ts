/** Offers at one moment, as plain data. Times in ms since 1970, sizes in bytes. */
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { AnswerKind, Offer } from "../../protocol/offer_messages.ts";
import type { BookEntry } from "../../swarm/fleet/offer_book.ts";
import type { Decision, KeptFleet } from "../kept/kept_fleet.ts";
import { byName } from "./fleet_view.ts";

/** A host that was offered something; `away` and `silent` are those that have not answered. */
export interface OfferedHost {
  readonly name: string;
  readonly state: AnswerKind | "away" | "silent";
  /** For `full`: what it needs, and what there is. */
  readonly needs: number | undefined;
  readonly has: number | undefined;
}

/** One offer. */
export interface OfferView {
  readonly infoHash: InfoHash;
  /** Empty for an offer that was taken back. */
  readonly name: string;
  readonly length: number;
  readonly files: number;
  /** The name of the lead. */
  readonly lead: string;
  /** Whether this host has made it. */
  readonly isOwn: boolean;
  /** How this host takes it; for its own offers, whether they hold. */
  readonly state: AnswerKind | "offered" | "cancelled" | "expired" | "for others";
  readonly needs: number | undefined;
  readonly has: number | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The hosts that were offered it; undefined for the offer of another lead. */
  readonly hosts: readonly OfferedHost[] | undefined;
}

/** What a view shows beside the offer itself; `now` in seconds since 1970. */
interface Beside {
  readonly now: number;
  readonly lead: string;
  readonly isOwn: boolean;
  readonly isForUs: boolean;
  readonly decision: Decision | undefined;
  readonly hosts: readonly OfferedHost[] | undefined;
}

export function viewOf(offer: Offer, { now, lead, isOwn, isForUs, decision, hosts }: Beside): OfferView {
  const { infoHash, data, issued, expires } = offer;
  const open = isOwn ? "offered" : isForUs ? decision?.kind ?? "asked" : "for others";
  const isExpired = expires <= now && open !== "accepted";
  return {
    infoHash,
    name: data?.name ?? "",
    length: data?.length ?? 0,
    files: data?.files ?? 0,
    lead,
    isOwn,
    state: data === undefined ? "cancelled" : isExpired ? "expired" : open,
    needs: decision?.needs,
    has: decision?.has,
    issuedAt: issued * 1_000,
    expiresAt: expires * 1_000,
    hosts,
  };
}

/** The hosts that an offer is for, by name: those that it names, or all that were met or have answered. */
export function hostsOf(
  { offer: { statement }, answers }: BookEntry,
  members: KeptFleet["members"],
  isHere: (id: string) => boolean,
): OfferedHost[] {
  const named = statement.to.map((key) => key.toHex());
  const ids = new Set(named.length > 0 ? named : [...members.keys(), ...answers.keys()]);
  const hosts = Array.from(ids, (id): OfferedHost => {
    const answer = answers.get(id)?.statement;
    const name = members.get(id)?.name ?? answer?.name ?? "";
    return {
      name,
      state: answer?.kind ?? (isHere(id) ? "silent" : "away"),
      needs: answer?.needs,
      has: answer?.has,
    };
  });
  return hosts.sort(byName);
}
