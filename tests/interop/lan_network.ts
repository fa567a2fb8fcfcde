import { Lan } from "../lan/namespaces.ts";
import type { ArenaNetwork } from "./arena.ts";

/** A LAN on which every participant is a host of its own, so that each has an address of its own and multicast goes from one to the others. */
export class LanNetwork implements ArenaNetwork {
  readonly #lan: Lan;

  private constructor(lan: Lan) {
    this.#lan = lan;
  }

  /** Opens a LAN for so many participants. Errors: `Error` where there can be none. */
  static async open(participants: number): Promise<LanNetwork> {
    const unavailable = Lan.unavailable();
    if (unavailable !== undefined) throw new Error(`A LAN ${unavailable}`);
    return new LanNetwork(await Lan.create(participants));
  }

  address(participant: number): string {
    return this.#lan.address(participant - 1);
  }

  spawn(
    participant: number,
    command: string,
    args: string[],
    options: Deno.CommandOptions,
  ): Deno.ChildProcess {
    return this.#lan.spawn(participant - 1, command, args, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lan.close();
  }
}
