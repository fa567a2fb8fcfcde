/** Both sides of the encryption handshake: what comes over the wire, and what is inside the encryption. */
import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { concatBytes, fromHex, toUtf8 } from "../../lib/protocol/bytes.ts";
import { publicKey, sharedSecret } from "../../lib/protocol/diffie_hellman.ts";
import { encodeHandshake } from "../../lib/protocol/handshake.ts";
import { infoHashBytes, sha1 } from "../../lib/protocol/info_hash.ts";
import { MseHandshake, skeyHash } from "../../lib/protocol/mse.ts";
import { Rc4 } from "../../lib/protocol/rc4.ts";
import { mutateBytes, type Random } from "./mutators.ts";
import { bytes, INFO_HASH, PEER_ID, type Target } from "./target.ts";

const HANDSHAKE = encodeHandshake(INFO_HASH, PEER_ID);
const SKEY_HASH = skeyHash(INFO_HASH);

const sideOf = (key: number) => ({
  privateKey: bytes(20, key),
  firstPad: bytes(30, key),
  secondPadLength: 7,
});
const FIRST = sideOf(3);
const SECOND = sideOf(5);

/** The side that connects, after it sent its key. */
function initiator(): MseHandshake {
  const handshake = MseHandshake.initiate(INFO_HASH, ["rc4", "plaintext"], FIRST, HANDSHAKE);
  handshake.advance(new Uint8Array());
  return handshake;
}

function acceptor(): MseHandshake {
  const lookup = (hash: string) => hash === SKEY_HASH ? INFO_HASH : undefined;
  return MseHandshake.accept(lookup, ["rc4", "plaintext"], SECOND);
}

/** Feeds one side, cut anywhere. */
function feed(handshake: MseHandshake, input: Uint8Array, random: Random): void {
  for (let at = 0; at < input.length && handshake.result === undefined;) {
    const end = at + 1 + Math.floor(random() * input.length);
    handshake.advance(input.subarray(at, end));
    at = end;
  }
  if (handshake.result !== undefined) assert.equal(handshake.result.infoHash, INFO_HASH);
}

const SECRET = sharedSecret(FIRST.privateKey, publicKey(SECOND.privateKey));
const hash = (name: string, ...parts: Uint8Array[]) => sha1(concatBytes(toUtf8(name), ...parts));

/** `plain` as the named cipher encrypts it, behind what comes unencrypted before. */
function encrypted(start: Uint8Array, cipher: "keyA" | "keyB", plain: Uint8Array): Uint8Array {
  const bytes = plain.slice();
  new Rc4(hash(cipher, SECRET, infoHashBytes(INFO_HASH))).process(bytes);
  return concatBytes(start, bytes);
}

const REQ3 = hash("req3", SECRET);
/** What the initiator sends unencrypted, without a pad. */
const INITIATOR_START = concatBytes(
  publicKey(FIRST.privateKey),
  hash("req1", SECRET),
  fromHex(SKEY_HASH)!.map((byte, position) => byte ^ REQ3[position]),
);
const ACCEPTOR_START = publicKey(SECOND.privateKey);

/** Eight zero bytes, methods, and a pad of 3 bytes with its length. */
const verification = (methods: number) =>
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, methods, 0, 3, 0, 0, 0);
const INITIATOR_INSIDE = concatBytes(verification(3), Uint8Array.of(0, HANDSHAKE.length), HANDSHAKE);
const ACCEPTOR_INSIDE = concatBytes(verification(2), HANDSHAKE);

export const ENCRYPTION_TARGETS: readonly Target[] = [
  {
    name: "encryption, accepting",
    seeds: [encrypted(INITIATOR_START, "keyA", INITIATOR_INSIDE)],
    mutate: mutateBytes,
    isCostly: true,
    error: ProtocolError,
    run: (input, random) => feed(acceptor(), input, random),
  },
  {
    name: "encryption, connecting",
    seeds: [encrypted(ACCEPTOR_START, "keyB", ACCEPTOR_INSIDE)],
    mutate: mutateBytes,
    isCostly: true,
    error: ProtocolError,
    run: (input, random) => feed(initiator(), input, random),
  },
  {
    name: "encrypted, accepting",
    seeds: [INITIATOR_INSIDE],
    mutate: mutateBytes,
    isCostly: true,
    error: ProtocolError,
    run: (input, random) => feed(acceptor(), encrypted(INITIATOR_START, "keyA", input), random),
  },
  {
    name: "encrypted, connecting",
    seeds: [ACCEPTOR_INSIDE],
    mutate: mutateBytes,
    isCostly: true,
    error: ProtocolError,
    run: (input, random) => feed(initiator(), encrypted(ACCEPTOR_START, "keyB", input), random),
  },
];
