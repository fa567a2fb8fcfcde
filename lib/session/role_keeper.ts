/** Which torrents this machine announces for, as its addresses come and go. */
import { ownAddresses } from "../net/addresses/own_addresses.ts";
import { ownHosts } from "../net/tracker/own_tracker.ts";
import type { Torrent } from "./torrent.ts";

/** Watches the addresses of this machine: each change may make other announce addresses its own tracker's. */
export class RoleKeeper {
  #addresses = namesOfAddresses();
  #revising: Promise<void> = Promise.resolve();

  /** Looks at the addresses, and where they changed, has each torrent ask for its role again, one after another. */
  look(torrents: Iterable<Torrent>): void {
    const addresses = namesOfAddresses();
    if (addresses === this.#addresses) return;
    this.#addresses = addresses;
    this.#revising = this.#revising.then(async () => {
      const isOwn = ownHosts();
      for (const torrent of torrents) await torrent.reviseTrackers(isOwn);
    });
  }

  /** Resolves when no torrent is asking any more. Never rejects. */
  get settled(): Promise<void> {
    return this.#revising;
  }
}

function namesOfAddresses(): string {
  return ownAddresses().sort().join();
}
