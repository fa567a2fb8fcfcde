/**
 * What two members of a fleet say to each other before all else, and how they hide the rest: each proves that it knows
 * the key of the fleet and which key pair is its own, and nobody between them can read or change anything.
 *
 *   D, who dialled                                            A, who accepted
 *   hello: Yd, HMAC(fleet key, "hello", Yd) ───────────────►
 *   ◄─────────────────────────────── answer: Ya, SEALED(identity of A)
 *   sealed: SEALED(identity of D) ─────────────────────────►
 *   ◄──────────────────── sealed: SEALED(message) ──────────►
 *
 * Yd and Ya are fresh keys (X25519) and serve as the nonces of both sides. The keys that seal come from their secret and
 * the key of the fleet. An identity is a public key, a name, and a signature over the role of its sender, the hash of the
 * fleet, Yd and Ya: it is of no use on another connection, nor in the other direction. With it go the hardware addresses
 * of the machine, by which others wake it. A tells nothing before it has seen
 * that D knows the key of the fleet, and D nothing before it has seen the same of A.
 */
import { ProtocolError } from "../errors.ts";
import { bytesIn, decode, encode, isDictionary, listIn } from "./bencode.ts";
import { joinBytes, toUtf8 } from "./bytes.ts";
import {
  AgreementKey,
  deriveKey,
  equalSecrets,
  hmac,
  isSignedBy,
  KEY_LENGTH,
  open,
  seal,
  type SigningKey,
} from "./cryptography.ts";
import { cutName, keyIn, nameIn } from "./fleet_key.ts";
import { type InfoHash, infoHashBytes } from "./info_hash.ts";
import { lookupHash } from "./lookup_hash.ts";
import { isMac } from "./magic_packet.ts";

/** Longest payload, in bytes. */
export const MAX_FLEET_PAYLOAD = 16 * 1024;

const HELLO = 0, ANSWER = 1, SEALED = 2;
const HMAC_LENGTH = 32;
/** Hardware addresses that a member may name. */
const MAX_MACS = 8;

/** This host as a member of a fleet. */
export interface OwnMember {
  /** The secret of the fleet: 32 bytes. */
  readonly fleetKey: Uint8Array;
  readonly key: SigningKey;
  /** The name of the machine. */
  readonly name: string;
  /** The hardware addresses of the machine, six bytes each. */
  readonly macs: readonly Uint8Array[];
}

/** A member that has proved itself. */
export interface Member {
  /** Its public key: 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** What it calls itself: printable, and not proven. */
  readonly name: string;
  /** The hardware addresses by which it is woken, not proven either. */
  readonly macs: readonly Uint8Array<ArrayBuffer>[];
}

/** What a payload has led to. */
interface Received {
  /** The payload to send back. */
  readonly reply?: Uint8Array<ArrayBuffer>;
  /** The member at the other end, which has just proved itself. */
  readonly member?: Member;
  /** What the member says. */
  readonly message?: Uint8Array<ArrayBuffer>;
}

/** The keys of one connection; each message takes the next number. */
interface Keys {
  readonly dialler: Uint8Array;
  readonly acceptor: Uint8Array;
}

/** The hash under which the members of a fleet meet. */
export function fleetHash(fleetKey: Uint8Array): InfoHash {
  return lookupHash("fleet", fleetKey);
}

/** What a member says that leaves the fleet for good. */
export const FAREWELL: Uint8Array<ArrayBuffer> = encode({ left: 1 });

/** One end of one connection. */
export class FleetChannel {
  readonly #own: OwnMember;
  readonly #isDialler: boolean;
  readonly #agreement: AgreementKey;
  /** What is waited for; nothing is heard any more from one that has failed once. */
  #state: "hello" | "answer" | "identity" | "open" | "over";
  #keys: Keys | undefined;
  /** Yd and Ya. */
  #nonces: Uint8Array = new Uint8Array();
  #sent = 0;
  #received = 0;

  /** `seed`: 32 random bytes that are never used again. */
  constructor(own: OwnMember, isDialler: boolean, seed: Uint8Array) {
    this.#own = own;
    this.#isDialler = isDialler;
    this.#agreement = new AgreementKey(seed);
    this.#state = isDialler ? "answer" : "hello";
  }

  /** The first payload, of the side that dialled. */
  get hello(): Uint8Array<ArrayBuffer> {
    const { publicKey } = this.#agreement;
    return joinBytes([Uint8Array.of(HELLO), publicKey, helloMac(this.#own.fleetKey, publicKey)]);
  }

  /**
   * Takes a payload. From a host that does not know the key of the fleet nothing is heard and nothing is answered.
   * Errors: `ProtocolError` for a member that breaks the rules.
   */
  receive(payload: Uint8Array): Received {
    if (payload.length > MAX_FLEET_PAYLOAD) {
      throw new ProtocolError(`Expected at most ${MAX_FLEET_PAYLOAD} bytes, got ${payload.length}`);
    }
    const rest = payload.subarray(1);
    if (this.#state === "hello" && payload[0] === HELLO) return this.#answerHello(rest);
    if (this.#state === "answer" && payload[0] === ANSWER) return this.#takeAnswer(rest);
    if (this.#state !== "identity" && this.#state !== "open" || payload[0] !== SEALED) return {};
    const message = this.#open(rest);
    if (message === undefined) throw new ProtocolError("Expected a sealed message, got one that was changed");
    return this.#state === "open" ? { message } : { member: this.#takeIdentity(message) };
  }

  /** A message as a payload, once the other side has proved itself. */
  seal(message: Uint8Array): Uint8Array<ArrayBuffer> {
    return joinBytes([Uint8Array.of(SEALED), this.#seal(message)]);
  }

  #answerHello(hello: Uint8Array): Received {
    const nonce = hello.subarray(0, KEY_LENGTH);
    const isMember = hello.length === KEY_LENGTH + HMAC_LENGTH &&
      equalSecrets(hello.subarray(KEY_LENGTH), helloMac(this.#own.fleetKey, nonce));
    if (!isMember || !this.#agree(nonce)) return {};
    this.#state = "identity";
    return {
      reply: joinBytes([Uint8Array.of(ANSWER), this.#agreement.publicKey, this.#seal(this.#identity())]),
    };
  }

  #takeAnswer(answer: Uint8Array): Received {
    const isAgreed = answer.length > KEY_LENGTH && this.#agree(answer.subarray(0, KEY_LENGTH));
    const identity = isAgreed ? this.#open(answer.subarray(KEY_LENGTH)) : undefined;
    this.#state = "over";
    if (identity === undefined) return {};
    const member = this.#takeIdentity(identity);
    return { reply: this.seal(this.#identity()), member };
  }

  /** Makes the keys; false where the other side's key is no good. */
  #agree(other: Uint8Array): boolean {
    const secret = this.#agreement.agree(other);
    if (secret === undefined) return false;
    const { publicKey } = this.#agreement;
    this.#nonces = joinBytes(this.#isDialler ? [publicKey, other] : [other, publicKey]);
    const info = joinBytes([toUtf8("peer-fleet-1 channel"), this.#nonces]);
    const keys = deriveKey(secret, this.#own.fleetKey, info, 2 * KEY_LENGTH);
    this.#keys = { dialler: keys.subarray(0, KEY_LENGTH), acceptor: keys.subarray(KEY_LENGTH) };
    return true;
  }

  #identity(): Uint8Array {
    const { key, name, macs } = this.#own;
    return encode({
      k: key.publicKey,
      m: macs.slice(0, MAX_MACS),
      n: cutName(name),
      s: key.sign(this.#toSign(this.#isDialler)),
    });
  }

  #takeIdentity(bytes: Uint8Array): Member {
    this.#state = "over";
    const value = decode(bytes);
    if (!isDictionary(value)) throw new ProtocolError("Expected a dictionary as identity");
    const key = keyIn(value, "k");
    if (!isSignedBy(key, this.#toSign(!this.#isDialler), bytesIn(value, "s") ?? new Uint8Array())) {
      throw new ProtocolError("Expected a member to sign with its key, got another signature");
    }
    this.#state = "open";
    const macs = (listIn(value, "m") ?? []).slice(0, MAX_MACS)
      .flatMap((mac) => mac instanceof Uint8Array && isMac(mac) ? [new Uint8Array(mac)] : []);
    return { key, name: nameIn(value, "n"), macs };
  }

  /** What the side that dialled, or the other one, signs. */
  #toSign(isDialler: boolean): Uint8Array {
    const role = toUtf8(`peer-fleet-1 ${isDialler ? "dialler" : "acceptor"}`);
    return joinBytes([role, infoHashBytes(fleetHash(this.#own.fleetKey)), this.#nonces]);
  }

  #seal(message: Uint8Array): Uint8Array {
    const { dialler, acceptor } = this.#keys!;
    return seal(this.#isDialler ? dialler : acceptor, this.#sent++, message);
  }

  #open(sealed: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const { dialler, acceptor } = this.#keys!;
    return open(this.#isDialler ? acceptor : dialler, this.#received++, sealed);
  }
}

function helloMac(fleetKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  return hmac(fleetKey, joinBytes([toUtf8("peer-fleet-1 hello"), nonce]));
}
