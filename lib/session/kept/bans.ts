import { canonicalAddress, withoutZone } from "../../protocol/endpoint.ts";
import { CONNECTIONS } from "../../settings.ts";
import { LatestSave } from "../../disk/state/latest_save.ts";
import type { KeptState } from "./kept_state.ts";

/** The IP addresses that the user has banned, in this run and in earlier ones. */
export class Bans {
  readonly #addresses: Set<string>;
  readonly #state: KeptState;
  readonly #saves = new LatestSave(() => this.#state.saveBans(this.addresses));

  private constructor(addresses: Set<string>, state: KeptState) {
    this.#addresses = addresses;
    this.#state = state;
  }

  /** Loads the bans of earlier runs. Errors: those of Deno KV. */
  static async load(state: KeptState): Promise<Bans> {
    return new Bans(new Set((await state.bans()).slice(0, CONNECTIONS.userBans)), state);
  }

  /** Whether a canonical address is banned, in whatever zone it is. */
  has(address: string): boolean {
    return this.#addresses.has(withoutZone(address));
  }

  /** All banned addresses, canonical. */
  get addresses(): readonly string[] {
    return [...this.#addresses];
  }

  /**
   * Bans an address; resolves when that is kept. Errors: `RangeError` for a text that is no address, and when too many
   * are banned; `StorageError`.
   */
  async add(address: string): Promise<void> {
    const canonical = addressOf(address);
    if (!this.#addresses.has(canonical) && this.#addresses.size >= CONNECTIONS.userBans) {
      throw new RangeError(`Expected at most ${CONNECTIONS.userBans} banned addresses, got one more`);
    }
    this.#addresses.add(canonical);
    await this.#saves.save();
  }

  /** Takes a ban back; resolves when that is kept. Errors: `RangeError` for a text that is no address; `StorageError`. */
  async delete(address: string): Promise<void> {
    this.#addresses.delete(addressOf(address));
    await this.#saves.save();
  }

  /** Resolves when no save is under way. Never rejects. */
  get settled(): Promise<void> {
    return this.#saves.settled();
  }
}

function addressOf(text: string): string {
  const address = canonicalAddress(text);
  if (address === undefined) throw new RangeError("Expected an IP address, got another text");
  return withoutZone(address);
}
