/**
 * Offers of leads and the answers of members: bencoded statements, each with a signature over exactly its bytes, so that
 * other members can pass them on as they are. The signature alone proves which host made a statement, and when.
 */
import { ProtocolError } from "../errors.ts";
import { parseAnnounceAddress } from "./announce_address.ts";
import {
  type BencodeDictionary,
  bytesIn,
  decode,
  encode,
  isDictionary,
  listIn,
  numberIn,
} from "./bencode.ts";
import { fromUtf8, toUtf8 } from "./bytes.ts";
import { isSignedBy, KEY_LENGTH, type SigningKey } from "./cryptography.ts";
import { cutName, keyIn, nameIn } from "./fleet_key.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashBytes, infoHashFromBytes } from "./info_hash.ts";
import { printable } from "./printable.ts";

/** Longest statement, in bytes. */
export const MAX_STATEMENT_BYTES = 8 * 1024;
/** Hosts that one offer may name. */
export const MAX_ADDRESSEES = 100;
const MAX_TRACKERS = 8;
const MAX_TRACKER_LENGTH = 200;
const MAX_DATA_NAME_BYTES = 255;
const VERSION = 1;

/** The data that a lead offers. */
export interface OfferedData {
  /** Printable. */
  readonly name: string;
  /** Bytes of the torrent. */
  readonly length: number;
  readonly files: number;
  /** Announce URLs. */
  readonly trackers: readonly string[];
  /** The torrent of the version before, in whose data pieces may be found. */
  readonly replaces?: InfoHash | undefined;
}

/** What a lead says about a torrent. Of two offers of one torrent, that with the higher number counts. */
export interface Offer {
  /** The hash under which the members of the fleet meet. */
  readonly fleet: InfoHash;
  /** The public key of the lead. */
  readonly lead: Uint8Array<ArrayBuffer>;
  /** Rises with each offer of a lead. */
  readonly seq: number;
  /** When it was made and until when it holds, in seconds since 1970. */
  readonly issued: number;
  readonly expires: number;
  /** The public keys of the hosts that it is for; none stands for all. */
  readonly to: readonly Uint8Array<ArrayBuffer>[];
  readonly infoHash: InfoHash;
  /** Undefined for one that takes back what was offered. */
  readonly data: OfferedData | undefined;
}

/** How a member takes an offer; `asked` is for its user to decide. */
export const ANSWERS = ["asked", "accepted", "declined", "busy", "full"] as const;
export type AnswerKind = typeof ANSWERS[number];

/** What a member says about an offer. Of two answers, the later one counts. */
export interface Answer {
  readonly fleet: InfoHash;
  /** The lead and the number of the offer. */
  readonly lead: Uint8Array<ArrayBuffer>;
  readonly seq: number;
  /** The public key of the member, and its name. */
  readonly member: Uint8Array<ArrayBuffer>;
  readonly name: string;
  /** In ms since 1970, and above that of each earlier answer. */
  readonly at: number;
  readonly kind: AnswerKind;
  /** For `full`: the bytes that it needs, and that there are. */
  readonly needs: number | undefined;
  readonly has: number | undefined;
}

/** A statement with what proves it. */
export interface Signed<Statement> {
  readonly statement: Statement;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

export type SignedOffer = Signed<Offer>;
export type SignedAnswer = Signed<Answer>;

/** A statement as it came, whose signature nobody has looked at yet. */
type Statement =
  | ({ readonly type: "offer" } & SignedOffer)
  | ({ readonly type: "answer" } & SignedAnswer);

/** Signs an offer with the key of its lead. */
export function signOffer(offer: Offer, key: SigningKey): SignedOffer {
  const { data } = offer;
  const bytes = encode({
    cancel: data === undefined ? 1 : undefined,
    expires: offer.expires,
    files: data?.files,
    fleet: infoHashBytes(offer.fleet),
    "info-hash": infoHashBytes(offer.infoHash),
    issued: offer.issued,
    lead: offer.lead,
    length: data?.length,
    replaces: data?.replaces && infoHashBytes(data.replaces),
    name: data && toUtf8(data.name).subarray(0, MAX_DATA_NAME_BYTES),
    seq: offer.seq,
    to: offer.to,
    trackers: data?.trackers.filter(isTracker).slice(0, MAX_TRACKERS).map(toUtf8),
    type: "offer",
    v: VERSION,
  });
  return { statement: offer, bytes, signature: key.sign(bytes) };
}

/** Signs an answer with the key of its member. */
export function signAnswer(answer: Answer, key: SigningKey): SignedAnswer {
  const bytes = encode({
    answer: answer.kind,
    at: answer.at,
    fleet: infoHashBytes(answer.fleet),
    has: answer.has,
    lead: answer.lead,
    member: answer.member,
    name: cutName(answer.name),
    needs: answer.needs,
    seq: answer.seq,
    type: "answer",
    v: VERSION,
  });
  return { statement: answer, bytes, signature: key.sign(bytes) };
}

/** Whether a lead has signed an offer, or a member an answer. */
export function isGenuine(signed: SignedOffer | SignedAnswer): boolean {
  const { statement, bytes, signature } = signed;
  return isSignedBy("member" in statement ? statement.member : statement.lead, bytes, signature);
}

/** A signed statement as a message between members. */
export function encodeStatement({ bytes, signature }: Signed<unknown>): Uint8Array<ArrayBuffer> {
  return encode({ b: bytes, s: signature });
}

/** Reads a message; undefined for one of a newer version or kind. Errors: `ProtocolError`. */
export function parseStatement(message: Uint8Array): Statement | undefined {
  const envelope = decode(message);
  const bytes = isDictionary(envelope) ? bytesIn(envelope, "b") : undefined;
  if (!isDictionary(envelope) || bytes === undefined) return undefined;
  if (bytes.length > MAX_STATEMENT_BYTES) {
    throw new ProtocolError(
      `Expected at most ${MAX_STATEMENT_BYTES} bytes of a statement, got ${bytes.length}`,
    );
  }
  const value = decode(bytes);
  if (!isDictionary(value) || numberIn(value, "v") !== VERSION) return undefined;
  const proof = {
    bytes: new Uint8Array(bytes),
    signature: new Uint8Array(bytesIn(envelope, "s") ?? new Uint8Array()),
  };
  switch (fromUtf8(bytesIn(value, "type") ?? new Uint8Array())) {
    case "offer":
      return { type: "offer", statement: offerIn(value), ...proof };
    case "answer":
      return { type: "answer", statement: answerIn(value), ...proof };
  }
}

function offerIn(value: BencodeDictionary): Offer {
  const to = listIn(value, "to") ?? [];
  if (to.length > MAX_ADDRESSEES) {
    throw new ProtocolError(`Expected an offer for at most ${MAX_ADDRESSEES} hosts, got ${to.length}`);
  }
  return {
    ...subjectIn(value),
    issued: countIn(value, "issued"),
    expires: countIn(value, "expires"),
    to: to.map((key) => {
      if (key instanceof Uint8Array && key.length === KEY_LENGTH) return new Uint8Array(key);
      throw new ProtocolError("Expected the keys of hosts in an offer, got something else");
    }),
    infoHash: hashIn(value, "info-hash"),
    data: numberIn(value, "cancel") === 1 ? undefined : dataIn(value),
  };
}

function dataIn(value: BencodeDictionary): OfferedData {
  const name = bytesIn(value, "name") ?? new Uint8Array();
  return {
    name: printable(fromUtf8(name.subarray(0, MAX_DATA_NAME_BYTES))),
    length: countIn(value, "length"),
    files: countIn(value, "files"),
    trackers: (listIn(value, "trackers") ?? []).slice(0, MAX_TRACKERS).flatMap((tracker) => {
      const text = tracker instanceof Uint8Array ? fromUtf8(tracker.subarray(0, MAX_TRACKER_LENGTH + 1)) : "";
      return isTracker(text) ? [text] : [];
    }),
    ...value.replaces === undefined ? {} : { replaces: hashIn(value, "replaces") },
  };
}

function answerIn(value: BencodeDictionary): Answer {
  const kind = fromUtf8(bytesIn(value, "answer") ?? new Uint8Array());
  const known = ANSWERS.find((each) => each === kind);
  if (known === undefined) throw new ProtocolError("Expected an answer to an offer, got another text");
  return {
    ...subjectIn(value),
    member: keyIn(value, "member"),
    name: nameIn(value, "name"),
    at: countIn(value, "at"),
    kind: known,
    needs: value.needs === undefined ? undefined : countIn(value, "needs"),
    has: value.has === undefined ? undefined : countIn(value, "has"),
  };
}

function subjectIn(value: BencodeDictionary): Pick<Offer, "fleet" | "lead" | "seq"> {
  return { fleet: hashIn(value, "fleet"), lead: keyIn(value, "lead"), seq: countIn(value, "seq") };
}

function hashIn(value: BencodeDictionary, key: string): InfoHash {
  const bytes = bytesIn(value, key);
  if (bytes?.length === INFO_HASH_LENGTH) return infoHashFromBytes(bytes);
  throw new ProtocolError(`Expected a hash of ${INFO_HASH_LENGTH} bytes, got ${bytes?.length ?? "none"}`);
}

function countIn(value: BencodeDictionary, key: string): number {
  const number = numberIn(value, key);
  if (number !== undefined && Number.isSafeInteger(number) && number >= 0) return number;
  throw new ProtocolError(`Expected a number as ${key}, got another value`);
}

function isTracker(url: string): boolean {
  return url.length <= MAX_TRACKER_LENGTH && parseAnnounceAddress(url) !== undefined;
}
