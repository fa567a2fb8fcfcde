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

/** Gives as many random bytes as asked for. */
type RandomBytes = (length: number) => Uint8Array;

/** Room for one read during the handshake: its longest message without payload. */
const HANDSHAKE_READ_LENGTH = 2048;

/**
 * Runs the MSE handshake on a stream that we opened, and returns the stream to go on with.
 *
 * Shape: `methods` are those we offer; `initialPayload` (the BitTorrent handshake) goes out with the encryption
 * handshake and spares a round trip. From now on `stream` belongs to the one returned.
 * Errors: `ProtocolError` when the remote does not speak MSE, or agrees to nothing we offer; whatever the stream
 * throws, also when the caller closes it because it takes too long. Closing it after an error is the caller's.
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
 * Runs the MSE handshake on a stream that was opened to us, and says which torrent it is for.
 *
 * Shape: `firstBytes` were read from it already; `methods` are those we agree to, the best one first.
 * Errors: as `encryptOutgoing`; `ProtocolError` also where `lookup` does not know the torrent.
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

/** Another byte stream behind the handshake: decrypts what is read and encrypts what is written, in place. */
class EncryptedStream implements ByteStream {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly #stream: ByteStream;
  readonly #incoming: MseResult["incoming"];
  readonly #outgoing: MseResult["outgoing"];
  /** Payload that came with the handshake and was not read yet. */
  #payload: Uint8Array;

  constructor(stream: ByteStream, result: MseResult) {
    this.remote = stream.remote;
    this.local = stream.local;
    this.#stream = stream;
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
