/**
 * The messages of our extension `peer_fleet` under the hash of an invitation: SPAKE2 (RFC 9382), where the joiner is A
 * and the lead is B. The lead's confirmation brings what makes the joiner a member.
 *
 *   joiner                                                lead
 *   share: pA ────────────────────────────────►
 *   ◄─────────────────────────────── answer: pB
 *   confirmation: cA ─────────────────────────►
 *   ◄──── confirmation: cB, SEALED(credentials)     or    refusal
 *
 * Those who join meet one another under that hash, too: each tells the other by its share that it is no lead.
 */
import { ProtocolError } from "../errors.ts";
import { joinBytes, toUtf8 } from "./bytes.ts";
import { deriveKey, KEY_LENGTH, open, seal } from "./cryptography.ts";
import type { FleetCode } from "./fleet_code.ts";
import { type Credentials, encodeCredentials, parseCredentials } from "./fleet_key.ts";
import { infoHashBytes } from "./info_hash.ts";
import {
  CONFIRMATION_LENGTH,
  SCALAR_SEED_LENGTH,
  scalarOf,
  SHARE_LENGTH,
  Spake2,
  type Spake2Result,
} from "./spake2.ts";

const SHARE = 0, CONFIRMATION = 1, REFUSAL = 2, ANSWER = 3;
/** Longest payload, in bytes. */
const MAX_PAYLOAD = 1_024;

/** One message. */
type InvitationMessage =
  /** The first message of a joiner. */
  | { readonly type: "share"; readonly share: Uint8Array }
  /** What a lead answers. */
  | { readonly type: "answer"; readonly share: Uint8Array }
  /** `sealed`: the credentials, from a lead; else empty. */
  | { readonly type: "confirmation"; readonly confirmation: Uint8Array; readonly sealed: Uint8Array }
  /** The words were wrong, or the invitation is over. */
  | { readonly type: "refusal" };

/** A message as a payload. */
export function encodeInvitation(message: InvitationMessage): Uint8Array<ArrayBuffer> {
  switch (message.type) {
    case "share":
      return joinBytes([Uint8Array.of(SHARE), message.share]);
    case "answer":
      return joinBytes([Uint8Array.of(ANSWER), message.share]);
    case "confirmation":
      return joinBytes([Uint8Array.of(CONFIRMATION), message.confirmation, message.sealed]);
    case "refusal":
      return Uint8Array.of(REFUSAL);
  }
}

/** Reads a payload, whose parts are borrowed; undefined for an unknown type. Errors: `ProtocolError`. */
export function parseInvitation(payload: Uint8Array): InvitationMessage | undefined {
  const rest = payload.subarray(1);
  switch (payload[0]) {
    case SHARE:
    case ANSWER:
      if (rest.length === SHARE_LENGTH) {
        return { type: payload[0] === SHARE ? "share" : "answer", share: rest };
      }
      break;
    case CONFIRMATION:
      if (rest.length >= CONFIRMATION_LENGTH && payload.length <= MAX_PAYLOAD) {
        const confirmation = rest.subarray(0, CONFIRMATION_LENGTH);
        return { type: "confirmation", confirmation, sealed: rest.subarray(CONFIRMATION_LENGTH) };
      }
      break;
    case REFUSAL:
      return { type: "refusal" };
    default:
      return undefined;
  }
  throw new ProtocolError(`Expected another length of a message about an invitation, got ${payload.length}`);
}

/** One side of an exchange about a code. `secretBytes` yields random bytes that nobody can guess. */
export function beginExchange(
  side: "joiner" | "lead",
  { password, lookupHash }: FleetCode,
  secretBytes: (length: number) => Uint8Array,
): Spake2 {
  const secret = scalarOf(secretBytes(SCALAR_SEED_LENGTH));
  const context = { a: toUtf8("peer joiner"), b: toUtf8("peer lead"), aad: infoHashBytes(lookupHash) };
  return new Spake2(side === "joiner", password, secret, context);
}

/** The credentials as the lead sends them. */
export function sealCredentials(credentials: Credentials, result: Spake2Result): Uint8Array<ArrayBuffer> {
  return seal(sealingKey(result), 0, encodeCredentials(credentials));
}

/** The credentials that a lead has sent; undefined where they were changed. Errors: `ProtocolError`. */
export function openCredentials(sealed: Uint8Array, result: Spake2Result): Credentials | undefined {
  const bytes = open(sealingKey(result), 0, sealed);
  return bytes && parseCredentials(bytes);
}

function sealingKey({ key }: Spake2Result): Uint8Array {
  return deriveKey(key, new Uint8Array(), toUtf8("peer-invite-1 credentials"), KEY_LENGTH);
}
