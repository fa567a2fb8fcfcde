/** Diffie-Hellman key exchange over the 768-bit group of MSE, which differs from Oakley group 1 in its last digits. */
import { ProtocolError } from "../errors.ts";
import { fromHex } from "./bytes.ts";

/** Length of a private key in bytes: 160 bits, as the specification advises. */
export const PRIVATE_KEY_LENGTH = 20;
/** Length of a public key and of the shared secret in bytes. */
export const PUBLIC_KEY_LENGTH = 96;

const PRIME = BigInt(
  "0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
);
const GENERATOR = 2n;

/** The public key that belongs to a private key: 96 bytes. */
export function publicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return toBytes(power(GENERATOR, toNumber(privateKey)));
}

/**
 * The secret that both sides share after the exchange: 96 bytes.
 *
 * Errors: `ProtocolError` for a public key that would make the secret guessable (0, 1, P-1) or is out of range.
 */
export function sharedSecret(privateKey: Uint8Array, remoteKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const remote = toNumber(remoteKey);
  if (remote <= 1n || remote >= PRIME - 1n) {
    throw new ProtocolError("Expected a public key, got a degenerate one");
  }
  return toBytes(power(remote, toNumber(privateKey)));
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = result * square % PRIME;
    square = square * square % PRIME;
  }
  return result;
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}

function toBytes(value: bigint): Uint8Array<ArrayBuffer> {
  return fromHex(value.toString(16).padStart(2 * PUBLIC_KEY_LENGTH, "0"))!;
}
