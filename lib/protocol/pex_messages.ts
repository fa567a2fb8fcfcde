/** Messages of the extension `ut_pex` (BEP 11), as payloads of extended messages (BEP 10). */
import { ProtocolError } from "../errors.ts";
import { type BencodeDictionary, bytesIn, decode, encode, isDictionary } from "./bencode.ts";
import {
  COMPACT_LENGTH,
  type Endpoint,
  familyOf,
  fromCompactList,
  isDialable,
  toCompactList,
} from "./endpoint.ts";

/** The bits of an added peer's flags (BEP 11 "added.f"). */
export const PexFlag = {
  prefersEncryption: 0x01,
  /** The peer has everything, or wants nothing more. */
  uploadOnly: 0x02,
  supportsUtp: 0x04,
  supportsHolepunch: 0x08,
  /** The sender has connected to the peer, so the peer listens at its endpoint. */
  reachable: 0x10,
} as const;

/** A peer in a message. */
export interface PexPeer {
  readonly endpoint: Endpoint;
  /** Sum of `PexFlag` values. */
  readonly flags: number;
}

/** One message: the changes of the sender's connections since its last message. */
export interface PexMessage {
  readonly added: readonly PexPeer[];
  readonly dropped: readonly Endpoint[];
}

/** Keys of the message's dictionary, by family. */
const KEYS = {
  4: { added: "added", flags: "added.f", dropped: "dropped" },
  6: { added: "added6", flags: "added6.f", dropped: "dropped6" },
} as const;

/** The payload for a message. */
export function encodePex(message: PexMessage): Uint8Array<ArrayBuffer> {
  const members: Record<string, Uint8Array> = {};
  for (const family of [4, 6] as const) {
    const keys = KEYS[family];
    const added = message.added.filter((peer) => familyOf(peer.endpoint.address) === family);
    const dropped = message.dropped.filter((endpoint) => familyOf(endpoint.address) === family);
    members[keys.added] = toCompactList(added.map((peer) => peer.endpoint), family);
    members[keys.flags] = Uint8Array.from(added, (peer) => peer.flags);
    members[keys.dropped] = toCompactList(dropped, family);
  }
  return encode(members);
}

/**
 * Reads a message; at most `limit` endpoints of each list and family, without added ones that cannot be dialled.
 * Missing flags are 0.
 *
 * Errors: `ProtocolError` when the payload is no dictionary, or a list does not consist of whole endpoints.
 */
export function parsePex(payload: Uint8Array, limit: number): PexMessage {
  const message = dictionaryIn(payload);
  for (const family of [4, 6] as const) {
    for (const key of [KEYS[family].added, KEYS[family].dropped]) {
      const length = bytesIn(message, key)?.length ?? 0;
      if (length % COMPACT_LENGTH[family] === 0) continue;
      throw new ProtocolError(
        `Expected endpoints of ${COMPACT_LENGTH[family]} bytes in "${key}", got ${length}`,
      );
    }
  }
  return peersIn(message, limit);
}

/** Reads a message as `parsePex` does, but ignores an incomplete last endpoint. */
export function parseCutPex(payload: Uint8Array, limit: number): PexMessage {
  return peersIn(dictionaryIn(payload), limit);
}

function dictionaryIn(payload: Uint8Array): BencodeDictionary {
  const message = decode(payload);
  if (isDictionary(message)) return message;
  throw new ProtocolError("Expected a dictionary of peers, got something else");
}

function peersIn(message: BencodeDictionary, limit: number): PexMessage {
  const added: PexPeer[] = [];
  const dropped: Endpoint[] = [];
  for (const family of [4, 6] as const) {
    const keys = KEYS[family];
    const endpointsIn = (key: string) =>
      fromCompactList(bytesIn(message, key) ?? new Uint8Array(), family, limit);
    const flags = bytesIn(message, keys.flags);
    endpointsIn(keys.added).forEach((endpoint, position) => {
      if (isDialable(endpoint)) added.push({ endpoint, flags: flags?.[position] ?? 0 });
    });
    dropped.push(...endpointsIn(keys.dropped));
  }
  return { added, dropped };
}
