/** The extended handshake (BEP 10) and our own extensions `lan_peers` and `lan_trackers`. */
import { ProtocolError } from "../errors.ts";
import { bytesIn, decode, dictionaryIn, encode, isDictionary, numberIn } from "./bencode.ts";
import { fromUtf8, readUint32, writeUint32 } from "./bytes.ts";
import { canonicalAddress, type Endpoint } from "./endpoint.ts";
import { encodePex, parseCutPex, parsePex, PexFlag } from "./pex_messages.ts";
import { printable } from "./printable.ts";

/** Extended message id of the extended handshake itself (BEP 10). */
export const EXTENDED_HANDSHAKE_ID = 0;

/** The extensions we speak and the number we give each in the handshake; a remote uses that number to talk to us. */
export const OUR_EXTENSIONS = {
  /** The embedded tracker's list of peers, sent when it changes; only this program has this extension. */
  lan_peers: 1,
  /** The info dictionary in parts (BEP 9). */
  ut_metadata: 2,
  /** Peer exchange (BEP 11). */
  ut_pex: 3,
  /** What a host shares, told under a lookup hash; only this program has this extension. */
  peer_share: 4,
  /** The members of a fleet among themselves, and who joins it; only this program has this extension. */
  peer_fleet: 5,
  /** The trackers that stand in for one that is gone; only this program has this extension. */
  lan_trackers: 6,
  /** The loss of a piece that the sender had (BEP 54). */
  lt_donthave: 7,
} as const;

/** The name of an extension in the handshake. */
export type ExtensionName = keyof typeof OUR_EXTENSIONS;

/** Addresses of the sender that are read from one handshake: a host has few. */
const MAX_ADDRESSES = 16;

/** Longest client name kept, in characters. */
const MAX_CLIENT_NAME = 64;

/** The contents of a remote's extended handshake. */
export interface ExtendedHandshake {
  /** The number that the remote gave each extension that we know too; 0 withdraws the extension (BEP 10). */
  readonly extensions: ReadonlyMap<ExtensionName, number>;
  /** Client name and version, cleaned for display; empty when the remote named none. */
  readonly client: string;
  /** Port on which the remote listens for peers. */
  readonly listenPort: number | undefined;
  /** Number of unanswered requests that the remote accepts (`reqq`). */
  readonly maxQueuedRequests: number | undefined;
  /** Port of the remote's embedded tracker; only peers of our own kind send it. */
  readonly trackerPort: number | undefined;
  /** Whether the remote wants nothing more (BEP 21); undefined when it did not say. */
  readonly isUploadOnly?: boolean | undefined;
  /** Bytes of the info dictionary that the remote can give (BEP 9). */
  readonly metadataLength: number | undefined;
  /** Whether the remote prefers encrypted connections. */
  readonly prefersEncryption: boolean;
  /** Addresses, canonical and without zones, that the remote claims as its own; only our own kind sends them. */
  readonly addresses?: readonly string[];
}

/** The contents of our extended handshake. */
export interface OwnHandshake {
  /** The extensions of ours that are in use. */
  readonly extensions: readonly ExtensionName[];
  readonly client: string;
  readonly listenPort: number;
  readonly maxQueuedRequests: number;
  readonly trackerPort: number | undefined;
  /** Whether we want nothing more (BEP 21); undefined leaves it out of the handshake. */
  readonly isUploadOnly?: boolean | undefined;
  /** Bytes of the info dictionary; undefined where we do not give it. */
  readonly metadataLength: number | undefined;
  /** Whether we prefer encrypted connections; undefined stands for no. */
  readonly prefersEncryption?: boolean;
  /** Our addresses, where we are connected to the same peer by several of them; undefined stands for none. */
  readonly addresses?: readonly string[] | undefined;
}

/** The payload of our extended handshake. */
export function encodeExtendedHandshake(own: OwnHandshake): Uint8Array<ArrayBuffer> {
  return encode({
    e: own.prefersEncryption ? 1 : undefined,
    m: Object.fromEntries(own.extensions.map((name) => [name, OUR_EXTENSIONS[name]])),
    metadata_size: own.metadataLength,
    p: own.listenPort,
    reqq: own.maxQueuedRequests,
    lan_addresses: own.addresses,
    lan_tracker: own.trackerPort,
    upload_only: own.isUploadOnly === undefined ? undefined : Number(own.isUploadOnly),
    v: own.client,
  });
}

/** Reads a remote's extended handshake; members of the wrong type are ignored. Errors: `ProtocolError`. */
export function parseExtendedHandshake(payload: Uint8Array): ExtendedHandshake {
  const value = decode(payload);
  if (!isDictionary(value)) throw new ProtocolError("Expected a dictionary as extended handshake");
  const offered = dictionaryIn(value, "m") ?? {};
  const extensions = new Map<ExtensionName, number>();
  for (const name of Object.keys(OUR_EXTENSIONS) as ExtensionName[]) {
    const id = numberIn(offered, name);
    if (id !== undefined && id >= 0 && id < 256) extensions.set(name, id);
  }
  const addresses = addressesIn(value.lan_addresses);
  return {
    ...(addresses === undefined ? {} : { addresses }),
    extensions,
    client: printable(fromUtf8(bytesIn(value, "v") ?? new Uint8Array()).slice(0, MAX_CLIENT_NAME)),
    listenPort: portIn(numberIn(value, "p")),
    maxQueuedRequests: positive(numberIn(value, "reqq")),
    trackerPort: portIn(numberIn(value, "lan_tracker")),
    isUploadOnly: numberIn(value, "upload_only") === undefined
      ? undefined
      : numberIn(value, "upload_only") !== 0,
    metadataLength: positive(numberIn(value, "metadata_size")),
    prefersEncryption: numberIn(value, "e") === 1,
  };
}

/** Joins a remote's earlier handshakes with a later one, which may contain only the changes (BEP 10). */
export function mergeHandshakes(
  earlier: ExtendedHandshake | undefined,
  later: ExtendedHandshake,
): ExtendedHandshake {
  const addresses = later.addresses ?? earlier?.addresses;
  return {
    ...(addresses === undefined ? {} : { addresses }),
    extensions: new Map([...earlier?.extensions ?? [], ...later.extensions]),
    client: later.client || (earlier?.client ?? ""),
    listenPort: later.listenPort ?? earlier?.listenPort,
    maxQueuedRequests: later.maxQueuedRequests ?? earlier?.maxQueuedRequests,
    trackerPort: later.trackerPort ?? earlier?.trackerPort,
    isUploadOnly: later.isUploadOnly ?? earlier?.isUploadOnly,
    metadataLength: later.metadataLength ?? earlier?.metadataLength,
    prefersEncryption: later.prefersEncryption || (earlier?.prefersEncryption ?? false),
  };
}

/** The payload of an `lt_donthave` message (BEP 54). */
export function encodeDontHave(index: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, index);
  return payload;
}

/** The piece that an `lt_donthave` payload names. Errors: `ProtocolError`. */
export function parseDontHave(payload: Uint8Array): number {
  if (payload.length !== 4) throw new ProtocolError(`Expected a piece in 4 bytes, got ${payload.length}`);
  return readUint32(payload, 0);
}

function addressesIn(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.slice(0, MAX_ADDRESSES).flatMap((each) =>
    each instanceof Uint8Array ? canonicalAddress(fromUtf8(each)) ?? [] : []
  );
}

function portIn(port: number | undefined): number | undefined {
  return port !== undefined && port > 0 && port < 65536 ? port : undefined;
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** An endpoint and whether the peer there has everything. */
export interface ListedPeer {
  readonly endpoint: Endpoint;
  readonly isSeed: boolean;
}

/** One `lan_peers` message: the changes of an embedded tracker's list since the last message on this connection. */
interface PeerListChange {
  /** Peers that are new in the list or have a new status. */
  readonly added: readonly ListedPeer[];
  readonly dropped: readonly Endpoint[];
}

/** The payload of a `lan_peers` message, in the form of PEX (BEP 11). */
export function encodePeerList({ added, dropped }: PeerListChange): Uint8Array<ArrayBuffer> {
  return encodePex({
    added: added.map(({ endpoint, isSeed }) => ({ endpoint, flags: isSeed ? PexFlag.uploadOnly : 0 })),
    dropped,
  });
}

/** Reads a `lan_peers` payload, at most `limit` endpoints of each kind. Errors: `ProtocolError`. */
export function parsePeerList(payload: Uint8Array, limit: number): PeerListChange {
  const { added, dropped } = parseCutPex(payload, limit);
  return {
    added: added.slice(0, limit).map(({ endpoint, flags }) => ({
      endpoint,
      isSeed: (flags & PexFlag.uploadOnly) !== 0,
    })),
    dropped: dropped.slice(0, limit),
  };
}

/** The payload of a `lan_trackers` message: where trackers listen, in the form of PEX (BEP 11). */
export function encodeTrackerList(trackers: readonly Endpoint[]): Uint8Array<ArrayBuffer> {
  return encodePex({ added: trackers.map((endpoint) => ({ endpoint, flags: 0 })), dropped: [] });
}

/** Reads a `lan_trackers` payload, at most `limit` endpoints, all of which can be dialled. Errors: `ProtocolError`. */
export function parseTrackerList(payload: Uint8Array, limit: number): Endpoint[] {
  return parsePex(payload, limit).added.slice(0, limit).map(({ endpoint }) => endpoint);
}
