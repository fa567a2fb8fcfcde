import { ProtocolError } from "../../errors.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import { PRIVATE_KEY_LENGTH } from "../../protocol/diffie_hellman.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import {
  type CryptoMethod,
  MAX_PAD_LENGTH,
  MseHandshake,
  type MseRandom,
  type MseResult,
  type SkeyLookup,
} from "../../protocol/mse.ts";
import type { ByteStream } from "./byte_stream.ts";

/** Returns `length` random bytes. */
type RandomBytes = (length: number) => Uint8Array;

/** Bytes of one read during the handshake: enough for its longest message without payload. */
const HANDSHAKE_READ_LENGTH = 2048;

/**
 * Runs the MSE handshake on a stream that we opened, and returns the stream to use from then on.
 *
 * Shape: we offer `methods`; `initialPayload` (the BitTorrent handshake) goes out with the encryption handshake, which
 * saves a round trip. The returned stream owns `stream`.
 * Errors: `ProtocolError` when the remote does not speak MSE, or agrees to no offered method; any error of the stream,
 * also when the caller closes it because the handshake takes too long. After an error the caller closes the stream.
 */
export async function encryptOutgoing(
  stream: ByteStream,
  infoHash: InfoHash,
  methods: readonly CryptoMethod[],
  initialPayload?: Uint8Array,
  random: RandomBytes = secureRandom,
): Promise<ByteStream> {
  const handshake = MseHandshake.initiate(infoHash, methods, choices(random), initialPayload);
  return new EncryptedStream(stream, await shakeHands(stream, handshake, new Uint8Array()));
}

/**
 * Runs the MSE handshake on a stream that a remote opened, and returns which torrent it is for.
 *
 * Shape: `firstBytes` have already been read from the stream; we agree to `methods`, the best one first.
 * Errors: as for `encryptOutgoing`; `ProtocolError` also where `lookup` does not know the torrent.
 */
export async function acceptEncrypted(
  stream: ByteStream,
  firstBytes: Uint8Array,
  lookup: SkeyLookup,
  methods: readonly CryptoMethod[],
  random: RandomBytes = secureRandom,
): Promise<{ stream: ByteStream; infoHash: InfoHash }> {
  const handshake = MseHandshake.accept(lookup, methods, choices(random));
  const result = await shakeHands(stream, handshake, firstBytes);
  return { stream: new EncryptedStream(stream, result), infoHash: result.infoHash };
}

function secureRandom(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

function choices(random: RandomBytes): MseRandom {
  const padLength = () => {
    const [high, low] = random(2);
    return (high << 8 | low) % (MAX_PAD_LENGTH + 1);
  };
  return {
    privateKey: random(PRIVATE_KEY_LENGTH),
    firstPad: random(padLength()),
    secondPadLength: padLength(),
  };
}

async function shakeHands(
  stream: ByteStream,
  handshake: MseHandshake,
  firstBytes: Uint8Array,
): Promise<MseResult> {
  const buffer = new Uint8Array(HANDSHAKE_READ_LENGTH);
  for (let received = firstBytes;;) {
    const toSend = handshake.advance(received);
    if (toSend.length > 0) await stream.write(toSend);
    if (handshake.result !== undefined) return handshake.result;
    const count = await stream.read(buffer);
    if (count === null) {
      throw new ProtocolError("Expected an encryption handshake, got the end of the stream");
    }
    received = buffer.subarray(0, count);
  }
}

/** A byte stream after the handshake, over another one: decrypts read bytes and encrypts written ones, in place. */
class EncryptedStream implements ByteStream {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly isEncrypted: boolean;
  readonly #stream: ByteStream;
  readonly #incoming: MseResult["incoming"];
  readonly #outgoing: MseResult["outgoing"];
  /** Payload that came with the handshake and has not been read yet. */
  #payload: Uint8Array;

  constructor(stream: ByteStream, result: MseResult) {
    this.remote = stream.remote;
    this.local = stream.local;
    this.#stream = stream;
    this.isEncrypted = result.outgoing !== undefined;
    this.#incoming = result.incoming;
    this.#outgoing = result.outgoing;
    this.#payload = result.payload;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#payload.length > 0) {
      const count = Math.min(into.length, this.#payload.length);
      into.set(this.#payload.subarray(0, count));
      this.#payload = this.#payload.subarray(count);
      return count;
    }
    const count = await this.#stream.read(into);
    if (count !== null) this.#incoming?.process(into.subarray(0, count));
    return count;
  }

  write(from: Uint8Array): Promise<void> {
    this.#outgoing?.process(from);
    return this.#stream.write(from);
  }

  close(): void {
    this.#stream.close();
  }
}
