/**
 * Signatures, key agreement and sealed messages, each in one call. `node:crypto` does them in native code and at once,
 * so decisions need not wait for them.
 */
import { Buffer } from "node:buffer";
import * as native from "node:crypto";
import { equalBytes, joinBytes } from "./bytes.ts";

/** Length of a key of any kind, and of what one is made from, in bytes. */
export const KEY_LENGTH = 32;
/** Length of a signature, in bytes. */
const SIGNATURE_LENGTH = 64;
/** Bytes by which a sealed message is longer than the message. */
const SEAL_LENGTH = 16;

/** The object identifiers 1.3.101.110 (X25519) and 1.3.101.112 (Ed25519) end with these (RFC 8410). */
const X25519 = 110, ED25519 = 112;

/** A key pair that signs (Ed25519, RFC 8032). */
export class SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly #key: native.KeyObject;

  /** `seed`: 32 random bytes. */
  constructor(seed: Uint8Array) {
    this.#key = privateKeyOf(ED25519, seed);
    this.publicKey = publicBytesOf(this.#key);
  }

  /** The signature of a message: 64 bytes. */
  sign(message: Uint8Array): Uint8Array<ArrayBuffer> {
    return new Uint8Array(native.sign(null, message, this.#key));
  }
}

/** Whether a message was signed with the key whose public part this is. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  try {
    return native.verify(null, message, publicKeyOf(ED25519, publicKey), signature);
  } catch {
    // The bytes are no point of the curve.
    return false;
  }
}

/** A key pair for one agreement (X25519, RFC 7748). */
export class AgreementKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly #key: native.KeyObject;

  /** `seed`: 32 random bytes. */
  constructor(seed: Uint8Array) {
    this.#key = privateKeyOf(X25519, seed);
    this.publicKey = publicBytesOf(this.#key);
  }

  /** The 32 bytes that only both sides know; undefined where the other side's key would make them known to all. */
  agree(publicKey: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    try {
      const other = publicKeyOf(X25519, publicKey);
      const secret = new Uint8Array(native.diffieHellman({ privateKey: this.#key, publicKey: other }));
      return equalBytes(secret, new Uint8Array(KEY_LENGTH)) ? undefined : secret;
    } catch {
      return undefined;
    }
  }
}

/** SHA-256: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(native.createHash("sha256").update(bytes).digest());
}

/** HMAC with SHA-256: 32 bytes. */
export function hmac(key: Uint8Array, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(native.createHmac("sha256", key).update(bytes).digest());
}

/** HKDF with SHA-256 (RFC 5869): `length` bytes. */
export function deriveKey(
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(native.hkdfSync("sha256", secret, salt, info, length));
}

/** Whether two byte arrays are equal, in a time that does not tell where they differ. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && native.timingSafeEqual(a, b);
}

/** Encrypts and authenticates a message (AES-256-GCM). `number` must be another one for each message under a key. */
export function seal(key: Uint8Array, number: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const cipher = native.createCipheriv("aes-256-gcm", key, nonceOf(number));
  return joinBytes([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
}

/** The message in a sealed one; undefined where it was sealed with another key or number, or changed since. */
export function open(
  key: Uint8Array,
  number: number,
  sealed: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  if (sealed.length < SEAL_LENGTH) return undefined;
  const cipher = native.createDecipheriv("aes-256-gcm", key, nonceOf(number));
  cipher.setAuthTag(sealed.subarray(-SEAL_LENGTH));
  try {
    return joinBytes([cipher.update(sealed.subarray(0, -SEAL_LENGTH)), cipher.final()]);
  } catch {
    return undefined;
  }
}

function nonceOf(number: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(number));
  return nonce;
}

/** The beginnings of both kinds of key in DER (RFC 8410): the bytes of the key follow. */
const privateHead = (kind: number) =>
  Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, kind, 4, 0x22, 4, 0x20);
const publicHead = (kind: number) => Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, kind, 3, 0x21, 0);

function privateKeyOf(kind: number, seed: Uint8Array): native.KeyObject {
  const key = Buffer.from(joinBytes([privateHead(kind), seed]));
  return native.createPrivateKey({ key, format: "der", type: "pkcs8" });
}

function publicKeyOf(kind: number, bytes: Uint8Array): native.KeyObject {
  const key = Buffer.from(joinBytes([publicHead(kind), bytes]));
  return native.createPublicKey({ key, format: "der", type: "spki" });
}

function publicBytesOf(key: native.KeyObject): Uint8Array<ArrayBuffer> {
  const exported = native.createPublicKey(key).export({ format: "der", type: "spki" });
  return new Uint8Array(exported.subarray(-KEY_LENGTH));
}
