/** Keeps the role of each torrent up to date while addresses of this machine come and go. */
import { ownAddresses } from "../net/addresses/own_addresses.ts";
import { ownHosts } from "../net/tracker/own_tracker.ts";
import type { Torrent } from "./torrent.ts";

/** Watches the addresses of this machine: after a change, other announce addresses may lead to its own tracker. */
export class RoleKeeper {
  #addresses = namesOfAddresses();
  #revising: Promise<void> = Promise.resolve();

  /** Reads the addresses; where they have changed, each torrent finds out its role again, one after another. */
  look(torrents: Iterable<Torrent>): void {
    const addresses = namesOfAddresses();
    if (addresses === this.#addresses) return;
    this.#addresses = addresses;
    this.#revising = this.#revising.then(async () => {
      const isOwn = ownHosts();
      for (const torrent of torrents) await torrent.reviseTrackers(isOwn);
    });
  }

  /** Resolves when each torrent knows its role. Never rejects. */
  get settled(): Promise<void> {
    return this.#revising;
  }
}

function namesOfAddresses(): string {
  return ownAddresses().sort().join();
}
