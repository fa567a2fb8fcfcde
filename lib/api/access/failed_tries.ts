import ipaddr from "ipaddr.js";
import { familyOf, withoutZone } from "../../protocol/endpoint.ts";
import { API } from "../../settings.ts";

/** Failures of one network, and until when it has to wait, in ms. */
interface Tries {
  failures: number;
  lastAt: number;
  waitsUntil: number;
}

/**
 * Slows down those who guess passwords: after some wrong ones, each further one costs the address twice the time.
 *
 * An IPv6 user has a whole network of 64 bits, so its addresses count as one.
 */
export class FailedTries {
  /** Networks that failed, the one that failed last at the end. */
  readonly #tries = new Map<string, Tries>();

  /** How many networks are remembered. */
  get size(): number {
    return this.#tries.size;
  }

  /** How long this address still has to wait, in ms; 0 when it may try. Times in ms. */
  waitOf(address: string, now: number): number {
    return Math.max(0, (this.#tries.get(networkOf(address))?.waitsUntil ?? 0) - now);
  }

  /** Notes a wrong password. */
  note(address: string, now: number): void {
    const network = networkOf(address);
    const known = this.#tries.get(network);
    const isFresh = known === undefined || now - known.lastAt > API.failureMemoryMs;
    const failures = isFresh ? 1 : known.failures + 1;
    const doublings = failures - API.freeFailures;
    const wait = doublings < 0 ? 0 : Math.min(API.firstWaitMs * 2 ** doublings, API.maxWaitMs);
    this.#tries.delete(network);
    this.#tries.set(network, { failures, lastAt: now, waitsUntil: now + wait });
    const [oldest] = this.#tries.keys();
    if (this.#tries.size > API.failuresRemembered) this.#tries.delete(oldest);
  }

  /** Forgets the failures of an address that has shown the right password. */
  forgive(address: string): void {
    this.#tries.delete(networkOf(address));
  }
}

function networkOf(address: string): string {
  if (familyOf(address) === 4) return address;
  return ipaddr.IPv6.parse(withoutZone(address)).toByteArray().slice(0, 8).join();
}
