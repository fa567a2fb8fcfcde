/** The members of the fleet: those that are connected, and those that were met before. */
import { messageOf } from "../../errors.ts";
import { wake } from "../../net/addresses/waking.ts";
import { formatEndpoint } from "../../protocol/endpoint.ts";
import { FAREWELL } from "../../protocol/fleet_channel.ts";
import { FLEET } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { MemberLink } from "../../swarm/fleet/fleet_extension.ts";
import { type KeptFleet, type KeptFleets, type KeptMember, withMember } from "../kept/kept_fleet.ts";
import type { Tasks } from "../work/tasks.ts";
import { theOneMeant } from "./membership.ts";

/** The parts of a session that members need. */
interface MembersContext {
  readonly surroundings: Pick<Surroundings, "log" | "wallClock">;
  readonly tasks: Tasks;
}

/** The members of a session's fleet, by their keys as texts. */
export class Members {
  readonly #kept: KeptFleets;
  readonly #context: MembersContext;
  /** The connections to members that are here. */
  readonly #here = new Map<string, Set<MemberLink>>();
  /** Hears that nobody is here any more. */
  #emptied = () => {};

  constructor(kept: KeptFleets, context: MembersContext) {
    this.#kept = kept;
    this.#context = context;
  }

  isHere(id: string): boolean {
    return this.#here.has(id);
  }

  /** A member of this fleet has proved itself on a connection. */
  came(fleet: KeptFleet, link: MemberLink): void {
    const { member: { key, name, macs }, peer } = link;
    const id = key.toHex();
    const links = this.#here.get(id) ?? new Set();
    this.#here.set(id, links.add(link));
    const seenAt = this.#context.surroundings.wallClock();
    const endpoint = formatEndpoint(peer.listens ?? peer.facts.endpoint);
    const known = [...fleet.members].filter(([id, { seenAt: then }]) =>
      this.isHere(id) || seenAt - then < FLEET.rememberedMs
    );
    this.#keep(fleet, withMember(new Map(known), id, { key, name, endpoint, seenAt, macs }));
    if (links.size === 1) this.#context.surroundings.log.info(`fleet ${fleet.name}: ${name} is here`);
  }

  /** Such a connection has ended. */
  left(link: MemberLink): void {
    const id = link.member.key.toHex();
    const links = this.#here.get(id);
    if (!links?.delete(link) || links.size > 0) return;
    this.#here.delete(id);
    const { log, wallClock } = this.#context.surroundings;
    log.info(`fleet: ${link.member.name} has left`);
    const { fleet } = this.#kept;
    const member = fleet?.members.get(id);
    if (fleet !== undefined && member !== undefined) {
      this.#keep(fleet, withMember(fleet.members, id, { ...member, seenAt: wallClock() }));
    }
    if (this.#here.size === 0) this.#emptied();
  }

  /** A member has left the fleet for good: it says so itself. */
  tookLeave(link: MemberLink): void {
    const { fleet } = this.#kept;
    if (fleet !== undefined) this.#keep(fleet, without(fleet.members, link.member.key.toHex()));
    link.peer.sender.close("it has left the fleet");
  }

  /**
   * Tells those that are here that this host leaves the fleet, and waits until they have hung up, or for
   * `FLEET.farewellMs`. Never rejects.
   */
  async takeLeave(signal: AbortSignal): Promise<void> {
    if (this.#here.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied = resolve;
    const timer = setTimeout(resolve, FLEET.farewellMs);
    signal.addEventListener("abort", () => resolve(), { once: true });
    for (const link of [...this.#here.values()].flatMap((links) => [...links])) link.send(FAREWELL);
    await promise;
    clearTimeout(timer);
  }

  /** Forgets a member that is away, by its name, key or fingerprint. Errors: `RangeError`; `StorageError`. */
  async forget(fleet: KeptFleet, text: string): Promise<void> {
    await this.#kept.change({ ...fleet, members: without(fleet.members, this.#awayOf(fleet, text)[0]) });
  }

  /** Sends packets that switch on members that are away (Wake-on-LAN). Errors: `RangeError`. */
  async wake(fleet: KeptFleet, texts: readonly string[]): Promise<void> {
    if (texts.length === 0) return;
    const macs = texts.flatMap((text) => this.#awayOf(fleet, text)[1].macs);
    if (macs.length === 0) {
      throw new RangeError(
        `Expected a host whose hardware address is known, got ${texts.join(", ")}`,
      );
    }
    if (await wake(macs) === 0) {
      throw new RangeError("Expected a network that takes a packet to all, got none");
    }
  }

  #awayOf({ members }: KeptFleet, text: string): [string, KeptMember] {
    const meant = theOneMeant([...members.values()], text, "member");
    const id = meant.key.toHex();
    if (!this.isHere(id)) return [id, meant];
    throw new RangeError(`Expected a host that is away, got ${meant.name}, which is here`);
  }

  #keep(fleet: KeptFleet, members: KeptFleet["members"]): void {
    const { tasks, surroundings: { log } } = this.#context;
    tasks.add(
      this.#kept.change({ ...fleet, members }).catch((error) => {
        log.warn(`cannot keep the members of the fleet: ${messageOf(error)}`);
      }),
    );
  }
}

function without(members: KeptFleet["members"], id: string): KeptFleet["members"] {
  return new Map([...members].filter(([other]) => other !== id));
}
