/**
 * SPAKE2 (RFC 9382) on P-256 with SHA-256, HKDF and HMAC: two sides that know the same password agree on a key, and
 * confirm it. A side that does not know the password, or listens, learns nothing but whether its one guess was right.
 *
 *   A                              B
 *   pA ───────────────────────────►
 *   ◄─────────────────────────── pB
 *   cA ───────────────────────────►
 *   ◄─────────────────────────── cB
 */
import { p256 } from "@noble/curves/nist.js";
import { joinBytes, toUtf8 } from "./bytes.ts";
import { deriveKey, equalSecrets, hmac, sha256 } from "./cryptography.ts";

const { Point } = p256;
type Point = InstanceType<typeof Point>;
/** RFC 9382, section 6. */
const M = Point.fromHex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f");
const N = Point.fromHex("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49");
/** The generator. The library's own would prepare tables first, which takes a quarter of a second. */
const P = Point.fromAffine(Point.BASE.toAffine());

/** Length of a share (pA, pB), in bytes: an uncompressed point. */
export const SHARE_LENGTH = 65;
/** Length of a confirmation (cA, cB), in bytes. */
export const CONFIRMATION_LENGTH = 32;
/** Random bytes from which a scalar is made: so many more than it has that none is likelier than another. */
export const SCALAR_SEED_LENGTH = 48;

/** Both sides of an exchange, and what else they must agree on. */
interface Spake2Context {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** Additional data. */
  readonly aad: Uint8Array;
}

/** What an exchange has led to. */
export interface Spake2Result {
  /** Our confirmation, and the one to expect of the other side if it knows the password. */
  readonly own: Uint8Array<ArrayBuffer>;
  readonly expected: Uint8Array<ArrayBuffer>;
  /** The shared key Ke, of 16 bytes; of use once the other side has confirmed. */
  readonly key: Uint8Array<ArrayBuffer>;
}

/** One side of one exchange. */
export class Spake2 {
  /** What the other side is told first: pA or pB. */
  readonly share: Uint8Array<ArrayBuffer>;
  readonly #isA: boolean;
  readonly #password: bigint;
  readonly #secret: bigint;
  readonly #context: Spake2Context;

  /** `password`: w; `secret`: x or y, never used again. Both by `scalarOf`. */
  constructor(isA: boolean, password: bigint, secret: bigint, context: Spake2Context) {
    this.#isA = isA;
    this.#password = password;
    this.#secret = secret;
    this.#context = context;
    const blinded = P.multiply(secret).add((isA ? M : N).multiply(password));
    this.share = new Uint8Array(blinded.toBytes(false));
  }

  /** Ends the exchange with the other side's share; undefined where that is no point of the curve. */
  finish(otherShare: Uint8Array): Spake2Result | undefined {
    const other = pointOf(otherShare);
    if (other === undefined) return undefined;
    const unblinded = other.subtract((this.#isA ? N : M).multiply(this.#password));
    if (unblinded.is0()) return undefined;
    const shared = new Uint8Array(unblinded.multiply(this.#secret).toBytes(false));
    const { a, b, aad } = this.#context;
    const shares = this.#isA ? [this.share, otherShare] : [otherShare, this.share];
    const password = Uint8Array.fromHex(this.#password.toString(16).padStart(64, "0"));
    const transcript = joinBytes(
      [a, b, ...shares, shared, password].flatMap((part) => [lengthOf(part), part]),
    );
    const keys = sha256(transcript);
    const info = joinBytes([toUtf8("ConfirmationKeys"), aad]);
    const confirmationKeys = deriveKey(keys.subarray(16), new Uint8Array(), info, 32);
    const confirmations = [confirmationKeys.subarray(0, 16), confirmationKeys.subarray(16)]
      .map((key) => hmac(key, transcript));
    const [own, expected] = this.#isA ? confirmations : confirmations.reverse();
    return { own, expected, key: keys.slice(0, 16) };
  }
}

/** Whether the other side's confirmation shows that it knows the password. */
export function isConfirmedBy(confirmation: Uint8Array, { expected }: Spake2Result): boolean {
  return equalSecrets(confirmation, expected);
}

/** A number from 1 to the order of the group, from at least `SCALAR_SEED_LENGTH` random bytes. */
export function scalarOf(seed: Uint8Array): bigint {
  return BigInt(`0x${seed.toHex()}`) % (Point.Fn.ORDER - 1n) + 1n;
}

function pointOf(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== SHARE_LENGTH) return undefined;
  try {
    return Point.fromBytes(bytes);
  } catch {
    return undefined;
  }
}

/** A length as the transcript has it: 8 bytes, the lowest first. */
function lengthOf({ length }: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  return bytes;
}
