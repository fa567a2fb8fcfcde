/** The offers of a fleet: what this host as lead offers, and how it takes as member what leads offer. */
import { messageOf } from "../../errors.ts";
import type { SigningKey } from "../../protocol/cryptography.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { formatMagnet } from "../../protocol/magnet.ts";
import {
  type Answer,
  type AnswerKind,
  encodeStatement,
  MAX_ADDRESSEES,
  type Offer,
  type OfferedData,
  parseStatement,
  signAnswer,
  type SignedAnswer,
  signOffer,
} from "../../protocol/offer_messages.ts";
import { safeName } from "../../protocol/safe_path.ts";
import { FLEET } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { MemberLink } from "../../swarm/fleet/fleet_extension.ts";
import { type BookEntry, isFor, OfferBook, offerKey } from "../../swarm/fleet/offer_book.ts";
import { OfferExchange, type OfferListener } from "../../swarm/fleet/offer_exchange.ts";
import type { Decision, KeptFleet, KeptFleets, KeptOffer } from "../kept/kept_fleet.ts";
import type { SessionEvent } from "../session_options.ts";
import type { Torrents } from "../torrents.ts";
import type { Tasks } from "../work/tasks.ts";
import { peersFor, placesFor } from "./offer_places.ts";
import { TakenTorrents } from "./taken_torrents.ts";
import { hostsOf, type OfferView, viewOf } from "./offer_view.ts";

/** The parts of a session that offers need. */
export interface OffersContext {
  readonly home: string;
  readonly torrents: Torrents;
  readonly surroundings: Surroundings;
  readonly tasks: Tasks;
  observe(event: SessionEvent): void;
}

/** The hosts of the fleet that an offer may be for. */
interface Hosts {
  /** Whether a member is connected, by its key as text. */
  isHere(id: string): boolean;
}

/** The offers of one fleet. Offers are named by their torrents. */
export class Offers implements OfferListener {
  readonly #kept: KeptFleets;
  readonly #fleet: KeptFleet["fleetKey"];
  readonly #context: OffersContext;
  readonly #hosts: Hosts;
  readonly #hash: InfoHash;
  readonly #key: SigningKey;
  readonly #own: string;
  readonly #book: OfferBook;
  readonly #exchange: OfferExchange;
  /** By `offerKey`. */
  readonly #decisions = new Map<string, Decision>();
  readonly #taken: TakenTorrents;
  #lastSeq: number;
  /** Ends when no offer is being taken: one at a time, so that two do not count on the same room. Never rejects. */
  #taking: Promise<void> = Promise.resolve();
  #lookedAt = 0;
  /** Own offers whose answers have changed since they were told. */
  readonly #news = new Set<InfoHash>();
  /** What was told last of the answers to each offer of ours. */
  readonly #told = new Map<InfoHash, string>();

  /** `hash`: where the members meet. */
  constructor(kept: KeptFleets, fleet: KeptFleet, hash: InfoHash, hosts: Hosts, context: OffersContext) {
    this.#kept = kept;
    this.#fleet = fleet.fleetKey;
    this.#hash = hash;
    this.#hosts = hosts;
    this.#context = context;
    this.#key = kept.key;
    this.#own = this.#key.publicKey.toHex();
    this.#book = new OfferBook({ fleet: hash, isTrusted: (lead) => this.#isTrusted(lead) });
    this.#exchange = new OfferExchange(this.#own, this.#book, this);
    this.#taken = new TakenTorrents(fleet.taken, context);
    this.#lastSeq = fleet.lastSeq;
    for (const kept of fleet.offers) this.#restore(kept);
  }

  #isTrusted(lead: string): boolean {
    return this.#kept.fleet?.leads.some(({ key }) => key.toHex() === lead) ?? false;
  }

  #restore({ bytes, signature, decision }: KeptOffer): void {
    const offer = parseStatement(encodeStatement({ statement: undefined, bytes, signature }));
    if (offer?.type !== "offer" || this.#book.offerCame(offer, this.#now, () => true) !== "news") return;
    if (decision === undefined) return;
    this.#decisions.set(offerKey(offer.statement), decision);
    this.#book.answerCame(this.#signed(offer.statement, decision), () => true);
  }

  // The members

  opened(link: MemberLink): void {
    this.#exchange.opened(link, this.#now);
  }

  closed(link: MemberLink): void {
    this.#exchange.closed(link);
  }

  /** Errors: `ProtocolError`. */
  received(link: MemberLink, message: Uint8Array, clock: number): void {
    this.#exchange.received(link, message, this.#now, clock);
  }

  offerCame(entry: BookEntry): void {
    const { statement: offer } = entry.offer;
    if (offer.lead.toHex() !== this.#own && isFor(offer, this.#key.publicKey)) this.#consider(offer);
    this.#keep();
  }

  answerCame({ statement: { lead, seq } }: SignedAnswer): void {
    if (lead.toHex() !== this.#own) return;
    const entry = this.#book.entries.find(({ offer: { statement } }) => statement.seq === seq);
    if (entry !== undefined) this.#news.add(entry.offer.statement.infoHash);
  }

  // Taking what leads offer

  #consider(offer: Offer): void {
    const { infoHash, data } = offer;
    const before = this.#decisions.get(offerKey(offer));
    if (data === undefined) {
      this.#decisions.delete(offerKey(offer));
      if (before?.kind === "accepted") this.#drop(infoHash);
      if (before !== undefined) this.#tell(offer, "cancelled");
      return;
    }
    // It is shown as what has expired; the clock of one of both hosts is wrong.
    if (offer.expires <= this.#now) return;
    if (before?.kind === "accepted" || before?.kind === "declined") return this.#decide(offer, before.kind);
    if (!isSafe(data)) return this.#decide(offer, "declined");
    if (this.#kept.fleet?.accept === "lead") this.#take(offer);
    else this.#decide(offer, "asked");
  }

  /** Takes an offer as soon as those before it are through. */
  #take(offer: Offer): void {
    this.#taking = this.#taking.then(() => this.#tryToTake(offer)).catch((error) => {
      this.#context.surroundings.log.warn(`fleet: cannot take ${offer.data?.name}: ${messageOf(error)}`);
      this.#decide(offer, "busy");
    });
    this.#context.tasks.add(this.#taking);
  }

  /** Errors: those of `Torrents.open`. */
  async #tryToTake(offer: Offer): Promise<void> {
    const { infoHash, data } = offer;
    const { torrents } = this.#context;
    const isCurrent = () => this.#book.find(offer.lead.toHex(), infoHash)?.offer.statement === offer;
    if (data === undefined || !isCurrent()) return;
    if (!torrents.has(infoHash)) {
      const { has, fetched } = await this.#taken.room(this.#kept.fleet?.quota);
      if (!isCurrent()) return;
      if (data.length > has) return this.#decide(offer, "full", { needs: data.length, has });
      if (fetched >= FLEET.fetched) return this.#decide(offer, "busy");
      const { name, trackers } = data;
      const magnet = formatMagnet({ infoHash, name, trackers });
      const { home } = this.#context;
      const members = this.#kept.fleet?.members ?? new Map();
      const isHere = (id: string) => this.#hosts.isHere(id);
      const places = placesFor(infoHash, data, { home, torrents });
      const options = { ...places, peers: peersFor(offer, members, isHere) };
      this.#taken.add(infoHash, data.length);
      try {
        await torrents.open({ magnet }, options);
      } catch (error) {
        this.#taken.delete(infoHash);
        throw error;
      }
    }
    this.#decide(offer, "accepted");
  }

  /** Takes an unfinished torrent out of the session, as its offer holds no more. */
  #drop(infoHash: InfoHash): void {
    const { torrents, tasks, surroundings: { log } } = this.#context;
    if (!this.#taken.isUnfinished(infoHash)) return;
    this.#taken.delete(infoHash);
    tasks.add(
      torrents.remove(infoHash, false).catch((error) => {
        log.warn(`fleet: cannot remove what was taken back: ${messageOf(error)}`);
      }),
    );
  }

  #decide(offer: Offer, kind: AnswerKind, figures: Pick<Decision, "needs" | "has"> = {}): void {
    const key = offerKey(offer);
    const before = this.#decisions.get(key);
    const decision = { kind, at: Math.max(this.#wall, (before?.at ?? 0) + 1), ...figures };
    this.#decisions.set(key, decision);
    this.#exchange.answer(this.#signed(offer, decision));
    if (before?.kind !== kind) this.#tell(offer, kind);
    this.#keep();
  }

  #signed({ lead, seq }: Offer, { kind, at, needs, has }: Decision): SignedAnswer {
    const { machine: name } = this.#context.surroundings;
    const member = this.#key.publicKey;
    const answer: Answer = { fleet: this.#hash, lead, seq, member, name, at, kind, needs, has };
    return signAnswer(answer, this.#key);
  }

  #tell({ infoHash, data, lead }: Offer, state: AnswerKind | "cancelled"): void {
    const name = data?.name ?? infoHash;
    this.#context.observe({ event: "offer", infoHash, name, lead: this.#nameOf(lead), state });
  }

  #nameOf(key: Uint8Array): string {
    const id = key.toHex();
    const { leads = [], members } = this.#kept.fleet ?? {};
    return members?.get(id)?.name ?? leads.find((lead) => lead.key.toHex() === id)?.name ?? "";
  }

  // What else happens

  /** Does the housekeeping of each second; `clock` in ms. */
  tick(clock: number): void {
    for (const infoHash of this.#news) this.#tellAnswers(infoHash);
    this.#news.clear();
    if (clock - this.#lookedAt < FLEET.lookAgainMs) return;
    this.#lookedAt = clock;
    if (this.#book.expire(this.#now)) this.#keep();
    this.lookAgain();
  }

  /** Takes what waited for room, or for its turn. */
  lookAgain(): void {
    for (const { offer: { statement } } of this.#book.entries) {
      const kind = this.#decisions.get(offerKey(statement))?.kind;
      const isWaiting = kind === "full" || kind === "busy";
      if (isWaiting && statement.expires > this.#now) this.#take(statement);
    }
  }

  #tellAnswers(infoHash: InfoHash): void {
    const entry = this.#book.find(this.#own, infoHash);
    const data = entry?.offer.statement.data;
    if (entry === undefined || data === undefined) return void this.#told.delete(infoHash);
    const { machine } = this.#context.surroundings;
    const hosts = this.#hostsOf(entry);
    const text = JSON.stringify(hosts);
    if (this.#told.get(infoHash) === text) return;
    this.#told.set(infoHash, text);
    this.#context.observe({ event: "offer", infoHash, name: data.name, lead: machine, hosts });
  }

  #hostsOf(entry: BookEntry) {
    return hostsOf(entry, this.#kept.fleet?.members ?? new Map(), (id) => this.#hosts.isHere(id));
  }

  /** A torrent has joined its swarm: one that is larger than what was offered is not what this host agreed to. */
  torrentJoined(infoHash: InfoHash, length: number): void {
    const offered = this.#taken.lengthOf(infoHash);
    if (offered === undefined || length <= offered) return;
    this.#drop(infoHash);
    this.#removed(infoHash);
  }

  /** The user has removed a torrent. */
  torrentRemoved(infoHash: InfoHash): void {
    if (this.#taken.delete(infoHash)) this.#removed(infoHash);
  }

  #removed(infoHash: InfoHash): void {
    for (const { offer: { statement } } of this.#book.entries) {
      const isTaken = this.#decisions.get(offerKey(statement))?.kind === "accepted";
      if (statement.infoHash === infoHash && isTaken) this.#decide(statement, "declined");
    }
    this.#keep();
  }

  // Orders

  /**
   * Offers a torrent as lead to hosts with these names, or to all where none is named. Errors: `RangeError` for a name
   * that no member or more than one has.
   */
  offer(infoHash: InfoHash, data: OfferedData, names: readonly string[]): Promise<void> {
    return this.#publish(infoHash, data, this.#keysOf(names), this.#now + FLEET.offerS);
  }

  /** Takes back what this host as lead has offered. Errors: `RangeError` for a torrent that it does not offer. */
  cancel(infoHash: InfoHash): Promise<void> {
    const offer = this.#book.find(this.#own, infoHash)?.offer.statement;
    if (offer?.data === undefined) {
      throw new RangeError("Expected a torrent that this host offers, got another");
    }
    return this.#publish(infoHash, undefined, offer.to, offer.expires);
  }

  #publish(
    infoHash: InfoHash,
    data: OfferedData | undefined,
    to: Offer["to"],
    expires: number,
  ): Promise<void> {
    const issued = this.#now;
    const seq = Math.max(this.#lastSeq + 1, issued);
    const lead = this.#key.publicKey;
    const offer = { fleet: this.#hash, lead, seq, issued, expires, to, infoHash, data };
    this.#lastSeq = seq;
    this.#exchange.offer(signOffer(offer, this.#key), issued);
    this.#news.add(infoHash);
    return this.#keep();
  }

  #keysOf(names: readonly string[]): Uint8Array<ArrayBuffer>[] {
    if (names.length > MAX_ADDRESSEES) {
      throw new RangeError(`Expected at most ${MAX_ADDRESSEES} names of hosts, got ${names.length}`);
    }
    const members = [...this.#kept.fleet?.members.values() ?? []];
    return names.map((wanted) => {
      const named = members.filter(({ name }) => name === wanted);
      if (named.length === 1) return named[0].key;
      const got = named.length === 0 ? "no" : "more than one";
      throw new RangeError(`Expected a host that was met, got ${wanted}: ${got} member is called that`);
    });
  }

  /** Takes an offer that waits for this host's user. Errors: `RangeError` for a torrent that nobody offers this host. */
  async accept(infoHash: InfoHash): Promise<void> {
    for (const offer of this.#offersOf(infoHash)) this.#take(offer);
    await this.#taking;
  }

  /** Takes an offer not. Errors: `RangeError` as for `accept`, and for one that was taken. */
  async decline(infoHash: InfoHash): Promise<void> {
    for (const offer of this.#offersOf(infoHash)) {
      if (this.#decisions.get(offerKey(offer))?.kind === "accepted") {
        throw new RangeError("Expected an offer that waits, got one that was taken; use peer remove");
      }
      this.#decide(offer, "declined");
    }
    await this.#keep();
  }

  #offersOf(infoHash: InfoHash): Offer[] {
    const offers = this.#book.entries.map(({ offer }) => offer.statement).filter((offer) =>
      offer.infoHash === infoHash && offer.data !== undefined && offer.lead.toHex() !== this.#own &&
      isFor(offer, this.#key.publicKey)
    );
    if (offers.length === 0) {
      throw new RangeError("Expected a torrent that a lead offers this host, got another");
    }
    return offers;
  }

  /** All offers, the newest first. */
  get views(): OfferView[] {
    const now = this.#now;
    return this.#book.entries.map((entry) => {
      const { statement } = entry.offer;
      const isOwn = statement.lead.toHex() === this.#own;
      const isForUs = isFor(statement, this.#key.publicKey);
      const decision = this.#decisions.get(offerKey(statement));
      const lead = isOwn ? this.#context.surroundings.machine : this.#nameOf(statement.lead);
      return viewOf(statement, {
        now,
        lead,
        isOwn,
        isForUs,
        decision,
        hosts: isOwn ? this.#hostsOf(entry) : undefined,
      });
    }).sort((a, b) => b.issuedAt - a.issuedAt);
  }

  // Inside

  /** Seconds since 1970. */
  get #now(): number {
    return Math.floor(this.#wall / 1_000);
  }

  get #wall(): number {
    return this.#context.surroundings.wallClock();
  }

  /** Keeps everything; a failure is logged, as all of it holds until the program ends. */
  async #keep(): Promise<void> {
    const { fleet } = this.#kept;
    if (fleet === undefined || fleet.fleetKey !== this.#fleet) return;
    const offers = this.#book.entries.map(({ offer }): KeptOffer => {
      const { bytes, signature, statement } = offer;
      return { bytes, signature, decision: this.#decisions.get(offerKey(statement)) };
    });
    const change = { ...fleet, offers, taken: this.#taken.all, lastSeq: this.#lastSeq };
    await this.#kept.change(change).catch((error) => {
      this.#context.surroundings.log.warn(`cannot keep the offers of the fleet: ${messageOf(error)}`);
    });
  }
}

function isSafe({ name }: OfferedData): boolean {
  try {
    return safeName(name) !== "";
  } catch {
    return false;
  }
}
