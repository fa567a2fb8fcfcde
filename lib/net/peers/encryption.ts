/** The meaning of `--encryption`: how connections between peers begin, and how their payload travels. */
import { scopeOf } from "../../protocol/endpoint.ts";
import type { CryptoMethod } from "../../protocol/mse.ts";
import type { EncryptionPolicy } from "../../settings.ts";
import type { DialTarget } from "../../swarm/peers/known_peers.ts";

/** How a connection begins: with the BitTorrent handshake itself, or with the handshake of MSE around it. */
export type Opening = "plain" | "encrypted";

/** The openings to try with a remote, in order; each needs a connection of its own. */
export function openingsFor(
  policy: EncryptionPolicy,
  { address, prefersEncryption = false }: DialTarget,
): readonly Opening[] {
  switch (policy) {
    case "require":
      return ["encrypted"];
    case "off":
      return ["plain"];
    case "prefer":
      return isNear(address) && !prefersEncryption ? ["plain", "encrypted"] : ["encrypted", "plain"];
  }
}

/** Whether we accept a connection that a remote opens in this way. */
export function accepts(policy: EncryptionPolicy, opening: Opening): boolean {
  return policy === "prefer" || (policy === "require") === (opening === "encrypted");
}

/**
 * The methods for the payload behind an encrypted opening, the best one first.
 *
 * On the local network RC4 stops no observer, and plain payload is several times as fast.
 */
export function methodsFor(policy: EncryptionPolicy, address: string): readonly CryptoMethod[] {
  if (policy === "require") return ["rc4"];
  return isNear(address) ? ["plaintext", "rc4"] : ["rc4", "plaintext"];
}

function isNear(address: string): boolean {
  return scopeOf(address) !== "global";
}
