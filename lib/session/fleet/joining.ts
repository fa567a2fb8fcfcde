/** Joins a fleet by the code of an invitation. Its curve takes long to load, so only those that join load this. */
import { formatEndpoint } from "../../protocol/endpoint.ts";
import { readFleetCode } from "../../protocol/fleet_code.ts";
import type { Credentials } from "../../protocol/fleet_key.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { FLEET } from "../../settings.ts";
import { JoiningExtension } from "../../swarm/fleet/joining_extension.ts";
import type { Lookups } from "./lookups.ts";

/** The parts of a session that joining needs. */
export interface JoiningContext {
  readonly lookups: Lookups;
  /** Announces a lookup hash by multicast once more. */
  announceAgain(infoHash: InfoHash): void;
  /** Random bytes that nobody can guess. */
  secretBytes(length: number): Uint8Array<ArrayBuffer>;
}

/** What a lead has given. */
interface Joined {
  readonly credentials: Credentials;
  /** Where the lead accepts peers, `HOST:PORT`. */
  readonly endpoint: string;
}

/** When a host that found no lead yet is announced again, in ms after the beginning: a datagram may be lost. */
const ANNOUNCED_AGAIN_MS = [1_000, 3_000];

/**
 * Looks for the lead that made an invitation, proves to it that the words are known, and returns what it gives. `peers`
 * are asked beside those that multicast finds, `HOST:PORT` each.
 *
 * Errors: `RangeError` for a bad code, and where nobody answers or the words are refused; the reason of the signal.
 */
export async function joinByCode(
  codeText: string,
  peers: readonly string[],
  context: JoiningContext,
  signal: AbortSignal,
): Promise<Joined> {
  const code = readFleetCode(codeText);
  const { promise, resolve, reject } = Promise.withResolvers<Joined>();
  using stack = new DisposableStack();
  const after = (ms: number, action: () => void) => {
    const timer = setTimeout(action, ms);
    stack.defer(() => clearTimeout(timer));
  };
  const refused = () =>
    reject(new RangeError("the host that was asked refuses: wrong words, or the invitation is over"));
  const extension = new JoiningExtension(code, context.secretBytes, (outcome, host) => {
    if (outcome !== "refused") resolve({ credentials: outcome, endpoint: formatEndpoint(host) });
    // Another host may be the one that made it.
    else after(FLEET.joinSettleMs, refused);
  });
  const lookup = context.lookups.join({ infoHash: code.lookupHash, extension, peers });
  stack.defer(() => lookup.leave());
  for (const ms of ANNOUNCED_AGAIN_MS) after(ms, () => context.announceAgain(code.lookupHash));
  const nobody = () =>
    reject(
      new RangeError(
        "nobody near by answers: is the invitation still open, and the peer that made it running? " +
          "Through a router, name it: --peer HOST",
      ),
    );
  after(FLEET.nobodyMs, () => extension.isAlone && nobody());
  after(FLEET.joinMs, nobody);
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  stack.defer(() => signal.removeEventListener("abort", abort));
  signal.throwIfAborted();
  return await promise;
}
