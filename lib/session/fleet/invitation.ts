import { CODE_SEED_LENGTH, makeFleetCode } from "../../protocol/fleet_code.ts";
import type { Credentials } from "../../protocol/fleet_key.ts";
import { FLEET } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import { InvitationExtension } from "../../swarm/fleet/invitation_extension.ts";
import type { InvitationView } from "./fleet_view.ts";
import type { JoinedLookup, Lookups } from "./lookups.ts";

/** An invitation that a lead has made. Its curve takes long to load, so only those that invite load this. */
export class Invitation {
  readonly #code: string;
  readonly #extension: InvitationExtension;
  readonly #lookup: JoinedLookup;
  readonly #surroundings: Surroundings;
  /** By the clock that does not jump, in ms. */
  readonly #endsAt: number;
  /** By the clock on the wall, in ms since 1970. */
  readonly #expiresAt: number;

  /** Begins it: up to `count` hosts may join and get the credentials. */
  constructor(
    credentials: Credentials,
    count: number,
    { lookups, surroundings, secretBytes }: {
      readonly lookups: Lookups;
      readonly surroundings: Surroundings;
      secretBytes(length: number): Uint8Array<ArrayBuffer>;
    },
  ) {
    const code = makeFleetCode(secretBytes(CODE_SEED_LENGTH));
    const changed = () => this.#changed();
    this.#code = code.text;
    this.#extension = new InvitationExtension({ code, credentials, count, secretBytes, changed });
    this.#lookup = lookups.join({ infoHash: code.lookupHash, extension: this.#extension });
    this.#surroundings = surroundings;
    this.#endsAt = surroundings.now() + FLEET.invitationMs;
    this.#expiresAt = surroundings.wallClock() + FLEET.invitationMs;
  }

  #changed(): void {
    const { log } = this.#surroundings;
    const { joined, state } = this.#extension;
    if (state === "three wrong guesses") log.warn("fleet: the invitation is void after three wrong guesses");
    else log.info(`fleet: ${joined} joined by the invitation`);
  }

  /** Ends it when its time is up; until then, hosts that come too late are told so. */
  tick(): void {
    if (this.#isOver) this.stop();
  }

  /** Nobody can join by it any more. */
  stop(): void {
    this.#lookup.leave();
  }

  get #isOver(): boolean {
    return this.#surroundings.now() >= this.#endsAt;
  }

  get view(): InvitationView {
    const { joined, state } = this.#extension;
    return {
      code: this.#code,
      state: state === "open" && this.#isOver ? "time is up" : state,
      joined,
      expiresAt: this.#expiresAt,
    };
  }
}
