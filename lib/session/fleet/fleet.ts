/** The fleet that this home is a member of: the members that are there, those that join, and the leads that it obeys. */
import { messageOf } from "../../errors.ts";
import { ownMacs } from "../../net/addresses/waking.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { FAREWELL, fleetHash, type OwnMember } from "../../protocol/fleet_channel.ts";
import { type Credentials, credentialsText } from "../../protocol/fleet_key.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { FLEET } from "../../settings.ts";
import { RecentMap } from "../../swarm/recent_map.ts";
import type { TorrentFacts } from "../session_options.ts";
import { FleetExtension, type FleetListener, type MemberLink } from "../../swarm/fleet/fleet_extension.ts";
import type { Acceptance, KeptFleet, KeptFleets } from "../kept/kept_fleet.ts";
import {
  type FleetView,
  type InvitationView,
  type KeyView,
  keyView,
  leadViews,
  memberViews,
} from "./fleet_view.ts";
import type { Invitation } from "./invitation.ts";
import type { JoiningContext } from "./joining.ts";
import type { JoinedLookup } from "./lookups.ts";
import { Offers, type OffersContext } from "./offers.ts";
import { offeredDataOf } from "./share_of.ts";
import { Members } from "./members.ts";
import { newFleet, withCredentials, withoutLead, withTrust } from "./membership.ts";

/** The parts of a session that its fleet needs. */
interface FleetContext extends Pick<JoiningContext, "lookups" | "announceAgain">, OffersContext {
  /** Aborts when the session stops. */
  readonly signal: AbortSignal;
}

/** How a member takes what leads offer; what is left out stays as it is. */
export interface FleetChoices {
  readonly accept?: Acceptance;
  /** Bytes that leads may fill; undefined goes back to half of what is free. */
  readonly quota?: number | undefined;
}

const secretBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** The fleet of a session. An order holds when its method returns, and is kept when its promise resolves. */
export class Fleet implements FleetListener {
  readonly #kept: KeptFleets;
  readonly #context: FleetContext;
  readonly #members: Members;
  #lookup: JoinedLookup | undefined;
  #offers: Offers | undefined;
  #invitation: Invitation | undefined;
  /** Addresses of members that have said what no honest one says. */
  readonly #offenders = new RecentMap<string, true>(FLEET.members);
  #isJoining = false;

  constructor(kept: KeptFleets, context: FleetContext) {
    this.#kept = kept;
    this.#context = context;
    this.#members = new Members(kept, context);
  }

  /** Meets the other members, where this host is one; dials `peers` first, `HOST:PORT` each. */
  begin(peers: readonly string[] = []): void {
    const { fleet } = this.#kept;
    if (fleet === undefined || this.#lookup !== undefined) return;
    const { lookups } = this.#context;
    const infoHash = fleetHash(fleet.fleetKey);
    this.#offers = new Offers(this.#kept, fleet, infoHash, this.#members, this.#context);
    this.#lookup = lookups.join({
      infoHash,
      extension: new FleetExtension(this.#own(fleet), secretBytes, this),
      peers: [...peers, ...Array.from(fleet.members.values(), ({ endpoint }) => endpoint)],
    });
  }

  #own({ fleetKey }: KeptFleet): OwnMember {
    return { fleetKey, key: this.#kept.key, name: this.#context.surroundings.machine, macs: ownMacs() };
  }

  /** Does the housekeeping of each second. */
  tick(): void {
    this.#invitation?.tick();
    this.#offers?.tick(this.#context.surroundings.now());
  }

  // Orders

  /** Makes a fleet, and this host its first lead. Errors: `RangeError` for a member of one; `StorageError`. */
  async create(name: string): Promise<void> {
    this.#refuseMember();
    await this.#become(newFleet(name, this.#asLead));
  }

  /**
   * Lets up to `count` hosts join, for ten minutes, by a code that is returned; an earlier invitation ends. Errors:
   * `RangeError` for a host that is no lead.
   */
  async invite(count: number = FLEET.joiners): Promise<InvitationView> {
    void this.#credentials;
    const { Invitation } = await import("./invitation.ts");
    this.#invitation?.stop();
    this.#invitation = new Invitation(this.#credentials, count, { ...this.#context, secretBytes });
    return this.#invitation.view;
  }

  /**
   * Becomes a member by the code of an invitation. `peers` are asked beside those near by, `HOST:PORT` each. Errors:
   * `RangeError` for a bad code, for a member of a fleet, and where nobody lets this host in; `StorageError`.
   */
  async join(code: string, peers: readonly string[], choices: FleetChoices = {}): Promise<void> {
    this.#refuseMember();
    if (this.#isJoining) throw new RangeError("Expected one join at a time, got another");
    this.#isJoining = true;
    try {
      const { signal, tasks } = this.#context;
      const { joinByCode } = await import("./joining.ts");
      const joining = joinByCode(code, peers, { ...this.#context, secretBytes }, signal);
      tasks.add(joining);
      const { credentials, endpoint } = await joining;
      await this.#become({ ...withCredentials(this.#kept.fleet, credentials), ...choices }, [endpoint]);
    } finally {
      this.#isJoining = false;
    }
  }

  /**
   * Obeys another lead, or becomes a member, by a key that was brought by hand. Errors: `RangeError` for another text;
   * `StorageError`.
   */
  async trust(text: string, choices: FleetChoices = {}): Promise<void> {
    await this.#become({ ...withTrust(this.#kept.fleet, text), ...choices });
  }

  /** Obeys a lead no more: its key, its fingerprint or its name. Errors: `RangeError`; `StorageError`. */
  async distrust(text: string): Promise<void> {
    await this.#kept.change(withoutLead(this.#fleet, text));
  }

  /**
   * Is a member no more; resolves when those that are here know it. Errors: `RangeError` for a host that is none;
   * `StorageError`.
   */
  async leave(): Promise<void> {
    void this.#fleet;
    const lookup = this.#lookup;
    this.#lookup = this.#offers = undefined;
    this.#invitation?.stop();
    this.#invitation = undefined;
    const keeping = this.#kept.change(undefined);
    await this.#members.takeLeave(this.#context.signal);
    lookup?.leave();
    await keeping;
  }

  /** Forgets a member that is away: its key, its fingerprint or its name. Errors: `RangeError`; `StorageError`. */
  async forget(text: string): Promise<void> {
    await this.#members.forget(this.#fleet, text);
  }

  /** Switches on members that are away, each named as for `forget` (Wake-on-LAN). Errors: `RangeError`. */
  async wake(texts: readonly string[]): Promise<void> {
    await this.#members.wake(this.#fleet, texts);
  }

  /** Changes how offers are taken. Errors: `RangeError` for a host that is no member; `StorageError`. */
  async choose(choices: FleetChoices): Promise<void> {
    const keeping = this.#kept.change({ ...this.#fleet, ...choices });
    this.#offers?.lookAgain();
    await keeping;
  }

  async #become(fleet: KeptFleet, peers: readonly string[] = []): Promise<void> {
    const keeping = this.#kept.change(fleet);
    this.begin(peers);
    await keeping;
  }

  /**
   * Offers a torrent of this session as lead, to hosts with these names or to all where none is named; resolves when that
   * is kept. `replaces`: the torrent of the version before. Errors: `RangeError` for a host that is no lead, and for a
   * torrent that cannot be offered.
   */
  async offer(infoHash: InfoHash, names: readonly string[] = [], replaces?: InfoHash): Promise<void> {
    void this.#credentials;
    const data = offeredDataOf(this.#context.torrents.get(infoHash));
    if (data === undefined) {
      throw new RangeError("Expected a torrent with metadata that is not private, got another");
    }
    await this.#offers!.offer(infoHash, { ...data, replaces }, names);
  }

  /** Takes back what this host offers: hosts that do not have all of it leave it. Errors: `RangeError`. */
  async cancel(infoHash: InfoHash): Promise<void> {
    void this.#credentials;
    await this.#offers!.cancel(infoHash);
  }

  /** Takes what a lead offers; resolves when it has begun or there is no room. Errors: `RangeError`. */
  async accept(infoHash: InfoHash): Promise<void> {
    void this.#fleet;
    await this.#offers!.accept(infoHash);
  }

  /** Does not take what a lead offers. Errors: `RangeError` also for what was taken. */
  async decline(infoHash: InfoHash): Promise<void> {
    void this.#fleet;
    await this.#offers!.decline(infoHash);
  }

  /** A torrent has joined its swarm: `length` is that of its metadata. */
  torrentJoined({ infoHash, length }: Pick<TorrentFacts, "infoHash" | "length">): void {
    this.#offers?.torrentJoined(infoHash, length);
  }

  /** The user has removed a torrent. */
  torrentRemoved(infoHash: InfoHash): void {
    this.#offers?.torrentRemoved(infoHash);
  }

  // Views

  /** The key of this home, which is made now where there was no need of one yet. Errors: `StorageError`. */
  async ownKey(): Promise<KeyView> {
    const { key } = this.#kept;
    await this.#kept.keepKey();
    return keyView(key.publicKey);
  }

  /** Everything at this moment. */
  get view(): FleetView {
    const { fleet } = this.#kept;
    return {
      self: {
        name: this.#context.surroundings.machine,
        ...this.#kept.hasKey && keyView(this.#kept.key.publicKey),
      },
      fleet: fleet && {
        name: fleet.name,
        isLead: this.#isLead(fleet),
        accept: fleet.accept,
        quota: fleet.quota,
        leads: leadViews(fleet, this.#asLead),
        members: memberViews(fleet, (id) => this.#members.isHere(id)),
        invitation: this.#invitation?.view,
        offers: this.#offers?.views ?? [],
      },
    };
  }

  /** The text by which a host becomes a member without an invitation. Errors: `RangeError` for one that is no lead. */
  get imageKey(): string {
    return credentialsText(this.#credentials);
  }

  // What the members say

  memberCame(link: MemberLink): void {
    const { fleet } = this.#kept;
    if (fleet === undefined) return;
    this.#members.came(fleet, link);
    this.#offers?.opened(link);
  }

  memberLeft(link: MemberLink): void {
    this.#offers?.closed(link);
    this.#members.left(link);
  }

  /** What a member may not say is told once. Errors: `ProtocolError`. */
  messageCame(link: MemberLink, message: Uint8Array, now: number): void {
    if (equalBytes(message, FAREWELL)) return this.#members.tookLeave(link);
    try {
      this.#offers?.received(link, message, now);
    } catch (error) {
      const { member: { name }, peer: { facts: { endpoint: { address } } } } = link;
      if (!this.#offenders.has(address)) {
        this.#context.surroundings.log.warn(`fleet: ${name} at ${address}: ${messageOf(error)}`);
      }
      this.#offenders.set(address, true);
      throw error;
    }
  }

  // Inside

  /** Errors: `RangeError` for a host that is no member. */
  get #fleet(): KeptFleet {
    const { fleet } = this.#kept;
    if (fleet !== undefined) return fleet;
    throw new RangeError("Expected a member of a fleet, got a host without one: create one, or join one");
  }

  get #asLead() {
    return { key: this.#kept.key.publicKey, name: this.#context.surroundings.machine };
  }

  /** What this host as lead gives to those that join. Errors: `RangeError` for a host that is no lead. */
  get #credentials(): Credentials {
    const { name, fleetKey } = this.#fleet;
    if (!this.#isLead(this.#fleet)) throw new RangeError(`Expected a lead of ${name}, got a member`);
    return { name, fleetKey, lead: this.#asLead };
  }

  #isLead({ leads }: KeptFleet): boolean {
    const own = this.#kept.key.publicKey.toHex();
    return leads.some(({ key }) => key.toHex() === own);
  }

  #refuseMember(): void {
    const { fleet } = this.#kept;
    if (fleet !== undefined) {
      throw new RangeError(
        `Expected a host without a fleet, got a member of ${fleet.name}; leave that first`,
      );
    }
  }
}
