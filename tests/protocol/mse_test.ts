import assert from "node:assert/strict";
import { createDiffieHellman } from "node:crypto";
import { ProtocolError } from "../../lib/errors.ts";
import { concatBytes, fromHex, toUtf8, writeUint16, writeUint32 } from "../../lib/protocol/bytes.ts";
import { PRIVATE_KEY_LENGTH, PUBLIC_KEY_LENGTH } from "../../lib/protocol/diffie_hellman.ts";
import { infoHashBytes, parseInfoHash, sha1 } from "../../lib/protocol/info_hash.ts";
import {
  type CryptoMethod,
  MAX_PAD_LENGTH,
  MseHandshake,
  type MseRandom,
  skeyHash,
  type SkeyLookup,
} from "../../lib/protocol/mse.ts";
import { Rc4 } from "../../lib/protocol/rc4.ts";

const infoHash = parseInfoHash("0123456789abcdef0123456789abcdef01234567")!;
const ours: SkeyLookup = (hash) => hash === skeyHash(infoHash) ? infoHash : undefined;
const NONE = new Uint8Array();
const BOTH: CryptoMethod[] = ["rc4", "plaintext"];
const IA = toUtf8("the first payload");

function randomOf(seed: number, firstPadLength = 37, secondPadLength = 11): MseRandom {
  return {
    privateKey: new Uint8Array(PRIVATE_KEY_LENGTH).fill(seed),
    firstPad: new Uint8Array(firstPadLength).map((_, i) => i * seed),
    secondPadLength,
  };
}

/** Carries bytes between two sides in portions of `step` bytes until both are done. */
function converse(a: MseHandshake, b: MseHandshake, step = Infinity, trailer = NONE): void {
  const deliver = (to: MseHandshake, bytes: Uint8Array) => {
    const answers: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += step) answers.push(to.advance(bytes.subarray(at, at + step)));
    return concatBytes(...answers);
  };
  let toB: Uint8Array = a.advance(NONE);
  while (toB.length > 0) {
    let toA = deliver(b, toB);
    if (b.result !== undefined) {
      b.result.outgoing?.process(trailer);
      toA = concatBytes(toA, trailer);
    }
    toB = deliver(a, toA);
  }
}

Deno.test("MseHandshake agrees on RC4 and delivers the initial payload", () => {
  const a = MseHandshake.initiate(infoHash, BOTH, randomOf(3), IA);
  const b = MseHandshake.accept(ours, BOTH, randomOf(5));
  converse(a, b);
  assert.equal(b.result?.infoHash, infoHash);
  assert.deepEqual(b.result?.payload, IA);
  const text = toUtf8("payload after the handshake");
  for (const [from, to] of [[a, b], [b, a]]) {
    const bytes = text.slice();
    from.result!.outgoing!.process(bytes);
    assert.notDeepEqual(bytes, text);
    to.result!.incoming!.process(bytes);
    assert.deepEqual(bytes, text);
  }
});

Deno.test("MseHandshake takes any pads, any portions and any methods that both know", () => {
  for (const padLength of [0, 1, 511, MAX_PAD_LENGTH]) {
    for (const step of [1, 7, 96, 608, Infinity]) {
      for (const methods of [["rc4"], ["plaintext"], ["plaintext", "rc4"]] as CryptoMethod[][]) {
        const a = MseHandshake.initiate(infoHash, BOTH, randomOf(7, padLength, padLength), IA);
        const b = MseHandshake.accept(ours, methods, randomOf(9, padLength, padLength));
        const trailer = toUtf8("sent at once behind the handshake");
        converse(a, b, step, trailer.slice());
        assert.deepEqual(b.result?.payload, IA);
        assert.equal(b.result?.outgoing === undefined, methods[0] === "plaintext");
        assert.equal(a.result?.outgoing === undefined, methods[0] === "plaintext");
        if (step === Infinity) assert.deepEqual(a.result?.payload, trailer);
      }
    }
  }
});

Deno.test("MseHandshake takes initial payloads of every length up to 64 KiB", () => {
  for (const length of [0, 1, 68, 0xffff]) {
    const payload = new Uint8Array(length).map((_, i) => i * 31);
    const b = MseHandshake.accept(ours, BOTH, randomOf(5));
    converse(MseHandshake.initiate(infoHash, BOTH, randomOf(3), payload), b, 1000);
    assert.deepEqual(b.result?.payload, payload);
  }
  assert.throws(
    () => MseHandshake.initiate(infoHash, BOTH, randomOf(3), new Uint8Array(0x10000)),
    RangeError,
  );
});

Deno.test("MseHandshake speaks with a side written straight from the specification", () => {
  const prime =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563";
  const dh = createDiffieHellman(prime, "hex", 2);
  const padded = (bytes: Uint8Array) => concatBytes(new Uint8Array(PUBLIC_KEY_LENGTH - bytes.length), bytes);
  const b = MseHandshake.accept(ours, ["rc4"], randomOf(5, 0, 0));
  const theirKey = b.advance(padded(new Uint8Array(dh.generateKeys())));
  assert.equal(theirKey.length, PUBLIC_KEY_LENGTH);

  const secret = padded(new Uint8Array(dh.computeSecret(theirKey)));
  const skey = infoHashBytes(infoHash);
  const hash = (name: string, ...parts: Uint8Array[]) => sha1(concatBytes(toUtf8(name), ...parts));
  const [req2, req3] = [hash("req2", skey), hash("req3", secret)];
  const keyA = new Rc4(hash("keyA", secret, skey));
  const rest = concatBytes(fromHex("0000000000000000" + "00000003" + "0000" + "0011")!, IA);
  keyA.process(rest);
  const reply = b.advance(concatBytes(hash("req1", secret), req2.map((byte, i) => byte ^ req3[i]), rest));
  new Rc4(hash("keyB", secret, skey)).process(reply);
  assert.equal(reply.toHex(), "0000000000000000" + "00000002" + "0000");
  assert.deepEqual(b.result?.payload, IA);
});

Deno.test("MseHandshake refuses degenerate public keys", () => {
  const prime =
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3621000000000009056";
  for (const last of ["2", "3", "4"]) {
    const key = fromHex(prime + last)!;
    assert.throws(() => MseHandshake.accept(ours, BOTH, randomOf(5)).advance(key), /degenerate/);
  }
  for (const last of [0, 1]) {
    const key = new Uint8Array(PUBLIC_KEY_LENGTH);
    key[PUBLIC_KEY_LENGTH - 1] = last;
    assert.throws(() => MseHandshake.accept(ours, BOTH, randomOf(5)).advance(key), /degenerate/);
    const a = MseHandshake.initiate(infoHash, BOTH, randomOf(3));
    a.advance(NONE);
    assert.throws(() => a.advance(key), ProtocolError);
  }
});

Deno.test("MseHandshake refuses an info-hash that is not ours", () => {
  const a = MseHandshake.initiate(infoHash, BOTH, randomOf(3), IA);
  const b = MseHandshake.accept(() => undefined, BOTH, randomOf(5));
  assert.throws(() => converse(a, b), /info-hash of ours/);
});

Deno.test("MseHandshake refuses methods that one side does not want", () => {
  const a = MseHandshake.initiate(infoHash, ["plaintext"], randomOf(3), IA);
  const b = MseHandshake.accept(ours, ["rc4"], randomOf(5));
  assert.throws(() => converse(a, b), /offer of rc4, got 1/);
});

Deno.test("MseHandshake gives up where the pad does not end", () => {
  const junk = new Uint8Array(MAX_PAD_LENGTH + 20).fill(1);
  const b = MseHandshake.accept(ours, BOTH, randomOf(5));
  const a = MseHandshake.initiate(infoHash, BOTH, randomOf(3, 0));
  const key = a.advance(NONE);
  const theirKey = b.advance(key).subarray(0, PUBLIC_KEY_LENGTH);
  b.advance(junk.subarray(1));
  assert.throws(() => b.advance(junk.subarray(0, 1)), /end of a pad/);
  a.advance(theirKey);
  a.advance(junk.subarray(0, MAX_PAD_LENGTH + 7));
  assert.throws(() => a.advance(junk.subarray(0, 1)), /end of a pad/);
});

/** A receiver that got everything up to the hashes, and the cipher for what follows. */
function acceptUpToHashes(): { b: MseHandshake; send: (plain: Uint8Array) => Uint8Array } {
  const dh = createDiffieHellman(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
      "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    "hex",
    2,
  );
  const padded = (bytes: Uint8Array) => concatBytes(new Uint8Array(PUBLIC_KEY_LENGTH - bytes.length), bytes);
  const b = MseHandshake.accept(ours, BOTH, randomOf(5, 0, 0));
  const secret = padded(
    new Uint8Array(dh.computeSecret(b.advance(padded(new Uint8Array(dh.generateKeys()))))),
  );
  const hash = (name: string, ...parts: Uint8Array[]) => sha1(concatBytes(toUtf8(name), ...parts));
  const req3 = hash("req3", secret);
  b.advance(
    concatBytes(hash("req1", secret), hash("req2", infoHashBytes(infoHash)).map((x, i) => x ^ req3[i])),
  );
  const cipher = new Rc4(hash("keyA", secret, infoHashBytes(infoHash)));
  return {
    b,
    send: (plain) => {
      cipher.process(plain);
      return b.advance(plain);
    },
  };
}

Deno.test("MseHandshake refuses a wrong verification constant, too long a pad and no method at all", () => {
  const header = (constant: number, methods: number, padLength: number) => {
    const bytes = new Uint8Array(14);
    bytes[7] = constant;
    writeUint32(bytes, 8, methods);
    writeUint16(bytes, 12, padLength);
    return bytes;
  };
  assert.throws(() => acceptUpToHashes().send(header(1, 3, 0)), /eight zero bytes/);
  assert.throws(
    () => acceptUpToHashes().send(header(0, 3, MAX_PAD_LENGTH + 1)),
    /at most 512 bytes, got 513/,
  );
  assert.throws(() => acceptUpToHashes().send(header(0, 4, 0)), /offer of rc4 or plaintext, got 4/);
});

Deno.test("MseHandshake survives arbitrary bytes with a ProtocolError at most", () => {
  let state = 1;
  const noise = (length: number) =>
    Uint8Array.from({ length }, () => (state = Math.imul(state, 1103515245) + 12345) >>> 16);
  for (let run = 0; run < 60; run++) {
    const sides = [
      MseHandshake.accept(ours, BOTH, randomOf(5)),
      MseHandshake.initiate(infoHash, BOTH, randomOf(3)),
    ];
    for (const side of sides) {
      try {
        for (let i = 0; i < 10; i++) side.advance(noise(run * 5));
        assert.equal(side.result, undefined);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }
  }
});
