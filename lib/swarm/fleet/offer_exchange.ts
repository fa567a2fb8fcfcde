import { ProtocolError } from "../../errors.ts";
import {
  encodeStatement,
  parseStatement,
  type SignedAnswer,
  type SignedOffer,
} from "../../protocol/offer_messages.ts";
import { FLEET } from "../../settings.ts";
import { Allowances } from "../peers/allowance.ts";
import type { MemberLink } from "./fleet_extension.ts";
import type { BookEntry, OfferBook, Verdict } from "./offer_book.ts";

/** Hears of news. */
export interface OfferListener {
  offerCame(entry: BookEntry): void;
  answerCame(answer: SignedAnswer): void;
}

/**
 * Passes offers and answers on. An offer goes to every member that is connected, so that it reaches hosts that its lead
 * cannot, and to each one that comes, so that a host that was away gets it. An answer goes to the lead, or to everybody
 * where the lead is not connected.
 */
export class OfferExchange {
  readonly #own: string;
  readonly #book: OfferBook;
  readonly #listener: OfferListener;
  readonly #links = new Set<MemberLink>();
  /** By address: a member could come again and again, each time with another key. */
  readonly #messages = new Allowances(FLEET.messages, FLEET.members);
  readonly #checks = new Allowances(FLEET.checks, FLEET.members);

  /** `own`: the key of this host as text. */
  constructor(own: string, book: OfferBook, listener: OfferListener) {
    this.#own = own;
    this.#book = book;
    this.#listener = listener;
  }

  /** A member has come: it is given all offers that hold, a lead the answers for it, others that of this host. */
  opened(link: MemberLink, now: number): void {
    this.#links.add(link);
    const here = new Set(Array.from(this.#links, idOf));
    for (const { offer, answers } of this.#book.entries) {
      if (offer.statement.expires > now) link.send(encodeStatement(offer));
      const lead = offer.statement.lead.toHex();
      const isForIt = lead === idOf(link);
      for (const [member, answer] of answers) {
        // Where the lead is not here, others may reach it.
        if (isForIt || member === this.#own && !here.has(lead)) link.send(encodeStatement(answer));
      }
    }
  }

  closed(link: MemberLink): void {
    this.#links.delete(link);
  }

  /**
   * Takes a message of a member; `now` in seconds since 1970, `clock` in ms. Errors: `ProtocolError` for one that no
   * honest member sends, after which the connection ends.
   */
  received(link: MemberLink, message: Uint8Array, now: number, clock: number): void {
    const { address } = link.peer.facts.endpoint;
    if (!this.#messages.take(address, clock)) {
      throw new ProtocolError("Expected an honest member, got a flood of offers and answers");
    }
    const statement = parseStatement(message);
    if (statement === undefined) return;
    const mayCheck = () => this.#checks.take(address, clock);
    if (statement.type === "offer") {
      if (isNews(this.#book.offerCame(statement, now, mayCheck))) this.#spread(statement, now, link);
    } else if (isNews(this.#book.answerCame(statement, mayCheck))) {
      this.#listener.answerCame(statement);
      this.#giveBack(statement, link);
    }
  }

  /** This host as lead offers something, or takes it back. Errors: `RangeError` when there are too many offers. */
  offer(offer: SignedOffer, now: number): void {
    if (this.#book.offerCame(offer, now, () => true) !== "news") {
      throw new RangeError(`Expected at most ${FLEET.offersOfLead} offers at a time, got one more`);
    }
    this.#spread(offer, now);
  }

  /** This host answers. */
  answer(answer: SignedAnswer): void {
    if (this.#book.answerCame(answer, () => true) === "news") this.#giveBack(answer);
  }

  /** Tells of an offer that is news, and passes it on to all but the one that it came from. */
  #spread(offer: SignedOffer, now: number, from?: MemberLink): void {
    const { lead, infoHash, expires } = offer.statement;
    if (expires > now) this.#send(encodeStatement(offer), this.#others(from));
    this.#listener.offerCame(this.#book.find(lead.toHex(), infoHash)!);
  }

  #giveBack(answer: SignedAnswer, from?: MemberLink): void {
    const lead = answer.statement.lead.toHex();
    if (lead === this.#own) return;
    const others = this.#others(from);
    const leads = others.filter((link) => idOf(link) === lead);
    this.#send(encodeStatement(answer), leads.length > 0 ? leads : others);
  }

  /** One connection to each other member. */
  #others(from: MemberLink | undefined): MemberLink[] {
    const byMember = new Map(Array.from(this.#links, (link) => [idOf(link), link]));
    if (from !== undefined) byMember.delete(idOf(from));
    return [...byMember.values()];
  }

  #send(message: Uint8Array, links: readonly MemberLink[]): void {
    for (const link of links) link.send(message);
  }
}

/** Errors: `ProtocolError` for what breaks the rules. */
function isNews(verdict: Verdict): boolean {
  if (typeof verdict === "string") return verdict === "news";
  throw new ProtocolError(`Expected an honest member, got ${verdict.broken}`);
}

function idOf({ member }: MemberLink): string {
  return member.key.toHex();
}
