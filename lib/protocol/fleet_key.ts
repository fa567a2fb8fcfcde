/** Keys of fleets as texts, and what a new member is given. */
import { type BencodeDictionary, bytesIn, decode, encode, isDictionary } from "./bencode.ts";
import { fromUtf8, toUtf8 } from "./bytes.ts";
import { wordsOf } from "./code_words.ts";
import { KEY_LENGTH, sha256 } from "./cryptography.ts";
import { printable } from "./printable.ts";
import { ProtocolError } from "../errors.ts";

/** Longest name of a fleet or of a machine, in bytes of UTF-8. */
const MAX_FLEET_NAME_BYTES = 64;

/** Words of a fingerprint: 66 bits. */
const FINGERPRINT_WORDS = 6;
const HEAD = "peer-fleet:";

/** What makes a host a member: the secret of the fleet, and a lead that it obeys. */
export interface Credentials {
  /** The name of the fleet. */
  readonly name: string;
  /** The secret that all members know: 32 bytes. */
  readonly fleetKey: Uint8Array<ArrayBuffer>;
  /** A lead: its public key of 32 bytes, and the name of its machine. */
  readonly lead: { readonly key: Uint8Array<ArrayBuffer>; readonly name: string };
}

/** A public key in words that two people can compare. */
export function fingerprint(publicKey: Uint8Array): string {
  return wordsOf(sha256(publicKey), FINGERPRINT_WORDS);
}

/** A public key as text: 43 characters. */
export function keyText(publicKey: Uint8Array): string {
  return publicKey.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The public key that a text stands for; undefined where it is none. */
export function readKeyText(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = fromBase64(text);
  return bytes?.length === KEY_LENGTH ? bytes : undefined;
}

/** Credentials as bytes. */
export function encodeCredentials({ name, fleetKey, lead }: Credentials): Uint8Array<ArrayBuffer> {
  return encode({ f: fleetKey, h: cutName(lead.name), k: lead.key, n: cutName(name) });
}

/** Reads credentials; names are made printable. Errors: `ProtocolError`. */
export function parseCredentials(bytes: Uint8Array): Credentials {
  const value = decode(bytes);
  if (!isDictionary(value)) throw new ProtocolError("Expected a dictionary of a fleet");
  return {
    name: nameIn(value, "n"),
    fleetKey: keyIn(value, "f"),
    lead: { key: keyIn(value, "k"), name: nameIn(value, "h") },
  };
}

/** Credentials as a text, for disk images and the like. A host that is given this text is a member. */
export function credentialsText(credentials: Credentials): string {
  return HEAD + encodeCredentials(credentials).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Reads such a text; undefined for any other text. */
export function readCredentialsText(text: string): Credentials | undefined {
  const bytes = text.startsWith(HEAD) ? fromBase64(text.slice(HEAD.length)) : undefined;
  if (bytes === undefined) return undefined;
  try {
    return parseCredentials(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** A name in as many bytes of UTF-8 as may be sent. */
export function cutName(name: string): Uint8Array {
  return toUtf8(name).subarray(0, MAX_FLEET_NAME_BYTES);
}

/** The name under a key of a dictionary, printable; empty where there is none. */
export function nameIn(dictionary: BencodeDictionary, key: string): string {
  return printable(
    fromUtf8((bytesIn(dictionary, key) ?? new Uint8Array()).subarray(0, MAX_FLEET_NAME_BYTES)),
  );
}

/** The key of 32 bytes under a key of a dictionary. Errors: `ProtocolError`. */
export function keyIn(dictionary: BencodeDictionary, name: string): Uint8Array<ArrayBuffer> {
  const key = bytesIn(dictionary, name);
  if (key?.length === KEY_LENGTH) return new Uint8Array(key);
  throw new ProtocolError(`Expected a key of ${KEY_LENGTH} bytes, got ${key?.length ?? "none"}`);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
}
