import type { InfoHash } from "../../protocol/info_hash.ts";
import { isGenuine, type Offer, type SignedAnswer, type SignedOffer } from "../../protocol/offer_messages.ts";
import { FLEET } from "../../settings.ts";

/** An offer, and the answers to it by the member's key as text. */
export interface BookEntry {
  readonly offer: SignedOffer;
  readonly answers: Map<string, SignedAnswer>;
}

/** What became of a statement: it is news, it was known or is of no more use, or it breaks the rules. */
export type Verdict = "news" | "nothing new" | { readonly broken: string };

/** What a book knows of its owner. */
interface BookOwner {
  /** The hash under which the members of the fleet meet. */
  readonly fleet: InfoHash;
  /** Whether the owner obeys a lead, by its key as text. */
  isTrusted(lead: string): boolean;
}

/**
 * The offers that hold, and the answers to them. Only what a trusted lead has signed comes in; what is known already is
 * told from its number alone, so that a replay costs no look at a signature.
 */
export class OfferBook {
  readonly #owner: BookOwner;
  /** By `offerKey`. */
  readonly #entries = new Map<string, BookEntry>();

  constructor(owner: BookOwner) {
    this.#owner = owner;
  }

  /** The offers of leads that are trusted now. */
  get entries(): BookEntry[] {
    return [...this.#entries.values()].filter(({ offer }) =>
      this.#owner.isTrusted(offer.statement.lead.toHex())
    );
  }

  /**
   * Takes an offer; `now` in seconds since 1970. `mayCheck` says whether one more signature may be looked at.
   * One that has expired by this clock comes in all the same, and is shown as such: the clock may be wrong.
   */
  offerCame(signed: SignedOffer, now: number, mayCheck: () => boolean): Verdict {
    const { statement: offer } = signed;
    if (offer.fleet !== this.#owner.fleet) return { broken: "an offer of another fleet" };
    // Members obey leads of their own choice, and one may pass on what another one does not obey.
    if (!this.#owner.isTrusted(offer.lead.toHex())) return "nothing new";
    const key = offerKey(offer);
    const known = this.#entries.get(key);
    if (known !== undefined && offer.seq <= known.offer.statement.seq) return "nothing new";
    if (now - offer.expires >= FLEET.expiredKeptS) return "nothing new";
    const holdsFor = offer.expires - Math.max(offer.issued, now);
    if (offer.expires < offer.issued || holdsFor > FLEET.offerLongestS) {
      return { broken: "an offer for longer than offers may hold" };
    }
    if (!mayCheck()) return { broken: "more signatures than may be looked at" };
    if (!isGenuine(signed)) return { broken: "an offer that its lead has not signed" };
    if (known === undefined && this.#countOf(offer.lead) >= FLEET.offersOfLead) {
      return "nothing new";
    }
    this.#entries.set(key, { offer: signed, answers: new Map() });
    return "news";
  }

  /** Takes the answer of a member to an offer that is known. */
  answerCame(signed: SignedAnswer, mayCheck: () => boolean): Verdict {
    const { statement: answer } = signed;
    if (answer.fleet !== this.#owner.fleet) return { broken: "an answer in another fleet" };
    const entry = this.#entries.values().find(({ offer: { statement } }) =>
      statement.seq === answer.seq && statement.lead.toHex() === answer.lead.toHex()
    );
    if (entry === undefined) return "nothing new";
    const member = answer.member.toHex();
    const known = entry.answers.get(member);
    if (known !== undefined && answer.at <= known.statement.at) return "nothing new";
    if (known === undefined && entry.answers.size >= FLEET.members) return "nothing new";
    if (!mayCheck()) return { broken: "more signatures than may be looked at" };
    if (!isGenuine(signed)) return { broken: "an answer that its member has not signed" };
    entry.answers.set(member, signed);
    return "news";
  }

  /** The offer of a torrent by a lead, its key as text. */
  find(lead: string, infoHash: InfoHash): BookEntry | undefined {
    return this.#entries.get(keyOf(lead, infoHash));
  }

  /** Forgets what has expired long ago; returns whether anything has. `now` in seconds since 1970. */
  expire(now: number): boolean {
    const before = this.#entries.size;
    for (const [key, { offer: { statement } }] of this.#entries) {
      if (now - statement.expires >= FLEET.expiredKeptS) this.#entries.delete(key);
    }
    return this.#entries.size < before;
  }

  #countOf(lead: Uint8Array): number {
    const text = lead.toHex();
    return this.#entries.values().filter(({ offer }) => offer.statement.lead.toHex() === text)
      .reduce((count) => count + 1, 0);
  }
}

/** Whether an offer is for the host with this key. */
export function isFor({ to }: Offer, key: Uint8Array): boolean {
  const text = key.toHex();
  return to.length === 0 || to.some((each) => each.toHex() === text);
}

/** What tells offers apart: a lead has one for a torrent, and its later word replaces the earlier. */
export function offerKey({ lead, infoHash }: Pick<Offer, "lead" | "infoHash">): string {
  return keyOf(lead.toHex(), infoHash);
}

function keyOf(lead: string, infoHash: InfoHash): string {
  return `${lead} ${infoHash}`;
}
