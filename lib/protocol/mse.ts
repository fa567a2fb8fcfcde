/**
 * Message Stream Encryption: the handshake that hides a connection between peers, as a state machine.
 *
 *   A, who connects                                          B, who accepts
 *   Ya, PadA ─────────────────────────────────────────────►
 *   ◄───────────────────────────────────────────── Yb, PadB
 *   HASH("req1", S), HASH("req2", SKEY) xor HASH("req3", S),
 *   ENCRYPT(VC, crypto_provide, len(PadC), PadC, len(IA)), ENCRYPT(IA) ─►
 *   ◄───── ENCRYPT(VC, crypto_select, len(PadD), PadD), payload
 *   payload ──────────────────────────────────────────────►
 *
 * S is the shared secret, SKEY the info-hash, VC eight zero bytes, IA the first payload of A, pads 0 to 512
 * bytes. Neither side says how long its first pad is: B searches for HASH("req1", S), A for the encrypted VC.
 *
 * Each side is written as one generator that reads like this picture and yields where bytes are lacking.
 * Spec: "Message Stream Encryption" of the Vuze wiki; there is no BEP.
 */
import { ProtocolError } from "../errors.ts";
import {
  concatBytes,
  equalBytes,
  joinBytes,
  readUint16,
  readUint32,
  toUtf8,
  writeUint16,
  writeUint32,
} from "./bytes.ts";
import { PUBLIC_KEY_LENGTH, publicKey, sharedSecret } from "./diffie_hellman.ts";
import { type InfoHash, infoHashBytes, sha1 } from "./info_hash.ts";
import { Rc4 } from "./rc4.ts";

/** How the payload may travel after the handshake. */
export type CryptoMethod = "plaintext" | "rc4";

/** Bits of crypto_provide and crypto_select. */
const METHOD_BITS: Record<CryptoMethod, number> = { plaintext: 0x01, rc4: 0x02 };

/** Longest pad, in bytes. */
export const MAX_PAD_LENGTH = 512;

const VC_LENGTH = 8;
const HASH_LENGTH = 20;
/** IA has a length of 16 bits. */
const MAX_INITIAL_PAYLOAD = 0xffff;

/** The random values that one side chooses. */
export interface MseRandom {
  /** `PRIVATE_KEY_LENGTH` bytes. */
  readonly privateKey: Uint8Array;
  /** PadA or PadB: 0 to 512 random bytes. */
  readonly firstPad: Uint8Array;
  /** Length of PadC or PadD, 0 to 512; these bytes are zero and travel encrypted. */
  readonly secondPadLength: number;
}

/** The result of a finished handshake. */
export interface MseResult {
  readonly infoHash: InfoHash;
  /** Decrypts all further bytes from the remote; undefined where they come unencrypted. */
  readonly incoming: Rc4 | undefined;
  /** Encrypts all further bytes to the remote; undefined where they are sent unencrypted. */
  readonly outgoing: Rc4 | undefined;
  /** Payload that has already arrived, decrypted: the remote's IA and the bytes behind the handshake. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Finds the info-hash that has this `skeyHash`; undefined when no swarm of ours has it. */
export type SkeyLookup = (skeyHash: string) => InfoHash | undefined;

/** HASH("req2", SKEY) in hex, by which the accepting side finds the swarm during the handshake. */
export function skeyHash(infoHash: InfoHash): string {
  return hash("req2", infoHashBytes(infoHash)).toHex();
}

/** One run of the handshake: the caller hands it the remote's bytes and sends the bytes that it returns. */
export class MseHandshake {
  readonly #wire = new Wire();
  readonly #script: Generator<void, MseResult>;
  #result: MseResult | undefined;

  private constructor(script: (wire: Wire) => Generator<void, MseResult>) {
    this.#script = script(this.#wire);
  }

  /**
   * Begins the handshake of the side that connects, which offers `methods` and sends `initialPayload` as IA.
   * Throws `RangeError` when that payload is longer than 65,535 bytes.
   */
  static initiate(
    infoHash: InfoHash,
    methods: readonly CryptoMethod[],
    random: MseRandom,
    initialPayload: Uint8Array = new Uint8Array(),
  ): MseHandshake {
    if (initialPayload.length > MAX_INITIAL_PAYLOAD) {
      throw new RangeError(`Expected at most ${MAX_INITIAL_PAYLOAD} bytes, got ${initialPayload.length}`);
    }
    return new MseHandshake((wire) => initiate(wire, infoHash, methods, random, initialPayload));
  }

  /** Begins the handshake of the side that accepts, which agrees to `methods`, the best one first. */
  static accept(lookup: SkeyLookup, methods: readonly CryptoMethod[], random: MseRandom): MseHandshake {
    return new MseHandshake((wire) => accept(wire, lookup, methods, random));
  }

  /**
   * Takes bytes from the remote (copied; none in the first call of the side that connects) and returns bytes to send.
   *
   * Errors: `ProtocolError` for every fault of the remote; the connection is then beyond repair.
   */
  advance(received: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#wire.append(received);
    const step = this.#script.next();
    if (step.done) this.#result ??= step.value;
    return this.#wire.takeOutgoing();
  }

  /** Defined once the handshake is done. The last bytes that `advance` returned must still be sent. */
  get result(): MseResult | undefined {
    return this.#result;
  }
}

function* initiate(
  wire: Wire,
  infoHash: InfoHash,
  methods: readonly CryptoMethod[],
  random: MseRandom,
  initialPayload: Uint8Array,
): Generator<void, MseResult> {
  wire.send(publicKey(random.privateKey), random.firstPad);
  const secret = sharedSecret(random.privateKey, yield* wire.read(PUBLIC_KEY_LENGTH));
  const { keyA: outgoing, keyB: incoming } = ciphers(secret, infoHash);
  wire.send(
    hash("req1", secret),
    xor(hash("req2", infoHashBytes(infoHash)), hash("req3", secret)),
    encrypted(outgoing, verification(methods, random), uint16(initialPayload.length), initialPayload),
  );
  const expected = encrypted(incoming, new Uint8Array(VC_LENGTH));
  yield* wire.skipBehind(expected, MAX_PAD_LENGTH);
  const chosen = yield* readMethods(wire, incoming);
  const method = methods.find((method) => METHOD_BITS[method] === chosen);
  if (method === undefined) throw new ProtocolError(`Expected a method we offered, got ${chosen}`);
  return finish(infoHash, method, incoming, outgoing, new Uint8Array(), wire.readRest());
}

function* accept(
  wire: Wire,
  lookup: SkeyLookup,
  methods: readonly CryptoMethod[],
  random: MseRandom,
): Generator<void, MseResult> {
  const remoteKey = yield* wire.read(PUBLIC_KEY_LENGTH);
  const secret = sharedSecret(random.privateKey, remoteKey);
  wire.send(publicKey(random.privateKey), random.firstPad);
  yield* wire.skipBehind(hash("req1", secret), MAX_PAD_LENGTH);
  const infoHash = lookup(xor(yield* wire.read(HASH_LENGTH), hash("req3", secret)).toHex());
  if (infoHash === undefined) throw new ProtocolError("Expected an info-hash of ours, got another one");
  const { keyA: incoming, keyB: outgoing } = ciphers(secret, infoHash);
  const constant = decrypted(incoming, yield* wire.read(VC_LENGTH));
  if (!equalBytes(constant, new Uint8Array(VC_LENGTH))) {
    throw new ProtocolError("Expected eight zero bytes behind the hashes, got others");
  }
  const offered = yield* readMethods(wire, incoming);
  const method = methods.find((method) => (METHOD_BITS[method] & offered) !== 0);
  if (method === undefined) {
    throw new ProtocolError(`Expected an offer of ${methods.join(" or ")}, got ${offered}`);
  }
  const payloadLength = readUint16(decrypted(incoming, yield* wire.read(2)), 0);
  const initialPayload = decrypted(incoming, yield* wire.read(payloadLength));
  wire.send(encrypted(outgoing, verification([method], random)));
  return finish(infoHash, method, incoming, outgoing, initialPayload, wire.readRest());
}

/** VC, methods, pad length and pad: the same form in both directions. */
function verification(methods: readonly CryptoMethod[], random: MseRandom): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(VC_LENGTH + 4 + 2 + random.secondPadLength);
  writeUint32(bytes, VC_LENGTH, methods.reduce((bits, method) => bits | METHOD_BITS[method], 0));
  writeUint16(bytes, VC_LENGTH + 4, random.secondPadLength);
  return bytes;
}

/** Reads the method bits behind VC, and skips the pad behind them. */
function* readMethods(wire: Wire, incoming: Rc4): Generator<void, number> {
  const header = decrypted(incoming, yield* wire.read(6));
  const padLength = readUint16(header, 4);
  if (padLength > MAX_PAD_LENGTH) {
    throw new ProtocolError(`Expected a pad of at most ${MAX_PAD_LENGTH} bytes, got ${padLength}`);
  }
  decrypted(incoming, yield* wire.read(padLength));
  return readUint32(header, 0);
}

function finish(
  infoHash: InfoHash,
  method: CryptoMethod,
  incoming: Rc4,
  outgoing: Rc4,
  initialPayload: Uint8Array,
  rest: Uint8Array<ArrayBuffer>,
): MseResult {
  if (method === "plaintext") {
    return { infoHash, incoming: undefined, outgoing: undefined, payload: concatBytes(initialPayload, rest) };
  }
  return { infoHash, incoming, outgoing, payload: concatBytes(initialPayload, decrypted(incoming, rest)) };
}

/**
 * Bytes that have arrived and are not read yet, and bytes to send.
 *
 * Received bytes are joined only when enough are there, so that a remote that sends single bytes costs no more than
 * any other.
 */
class Wire {
  #received: Uint8Array<ArrayBuffer>[] = [];
  #receivedLength = 0;
  #outgoing: Uint8Array[] = [];

  append(bytes: Uint8Array): void {
    this.#received.push(bytes.slice());
    this.#receivedLength += bytes.length;
  }

  send(...parts: Uint8Array[]): void {
    this.#outgoing.push(...parts);
  }

  takeOutgoing(): Uint8Array<ArrayBuffer> {
    const bytes = joinBytes(this.#outgoing);
    this.#outgoing = [];
    return bytes;
  }

  /** Reads exactly `length` bytes, as soon as they are there. */
  *read(length: number): Generator<void, Uint8Array<ArrayBuffer>> {
    const received = yield* this.#atLeast(length);
    this.#keepFrom(received, length);
    return received.subarray(0, length);
  }

  /** Skips everything up to and including `mark`, which must begin within the next `window` bytes. */
  *skipBehind(mark: Uint8Array, window: number): Generator<void, void> {
    for (let at = 0; at <= window; at++) {
      const received = yield* this.#atLeast(at + mark.length);
      if (!equalBytes(received.subarray(at, at + mark.length), mark)) continue;
      this.#keepFrom(received, at + mark.length);
      return;
    }
    throw new ProtocolError(`Expected the end of a pad within ${window} bytes, got none`);
  }

  /** Returns everything that has arrived and was not read. */
  readRest(): Uint8Array<ArrayBuffer> {
    return joinBytes(this.#received);
  }

  *#atLeast(length: number): Generator<void, Uint8Array<ArrayBuffer>> {
    while (this.#receivedLength < length) yield;
    if (this.#received.length > 1) this.#received = [joinBytes(this.#received)];
    return this.#received[0];
  }

  #keepFrom(received: Uint8Array<ArrayBuffer>, offset: number): void {
    this.#received = [received.subarray(offset)];
    this.#receivedLength = received.length - offset;
  }
}

function ciphers(secret: Uint8Array, infoHash: InfoHash): { keyA: Rc4; keyB: Rc4 } {
  const skey = infoHashBytes(infoHash);
  return { keyA: new Rc4(hash("keyA", secret, skey)), keyB: new Rc4(hash("keyB", secret, skey)) };
}

function hash(name: string, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return sha1(concatBytes(toUtf8(name), ...parts));
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(a, (byte, i) => byte ^ b[i]);
}

function uint16(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2);
  writeUint16(bytes, 0, value);
  return bytes;
}

function encrypted(cipher: Rc4, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = joinBytes(parts);
  cipher.process(bytes);
  return bytes;
}

/** Decrypts `bytes`, which the caller owns, in place. */
function decrypted(cipher: Rc4, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  cipher.process(bytes);
  return bytes;
}
