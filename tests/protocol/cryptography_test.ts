import assert from "node:assert/strict";
import { fromHex, toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  AgreementKey,
  deriveKey,
  equalSecrets,
  hmac,
  isSignedBy,
  open,
  seal,
  sha256,
  SigningKey,
} from "../../lib/protocol/cryptography.ts";

const hex = (text: string) => fromHex(text)!;

Deno.test("SigningKey signs as RFC 8032 says (section 7.1, test 3), and isSignedBy knows what was changed", () => {
  const key = new SigningKey(hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"));
  assert.equal(
    key.publicKey.toHex(),
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
  );
  const message = hex("af82");
  const signature = key.sign(message);
  assert.equal(
    signature.toHex(),
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  );
  assert(isSignedBy(key.publicKey, message, signature));
  for (
    const [publicKey, said, signed] of [
      [new SigningKey(new Uint8Array(32)).publicKey, message, signature],
      [key.publicKey, hex("af83"), signature],
      [key.publicKey, message, signature.map((byte, at) => at === 9 ? byte ^ 1 : byte)],
      [key.publicKey, message, signature.subarray(1)],
      [key.publicKey, message, new Uint8Array()],
      [new Uint8Array(32).fill(0xff), message, signature],
      [new Uint8Array(3), message, signature],
    ]
  ) assert(!isSignedBy(publicKey, said, signed));
});

Deno.test("AgreementKey agrees as RFC 7748 says (section 6.1), and on no secret that everybody knows", () => {
  const alice = new AgreementKey(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  // The private scalars of the RFC are seeds here, as both are clamped in the same way.
  assert.equal(
    alice.publicKey.toHex(),
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  );
  const bob = new AgreementKey(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  const secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  assert.deepEqual([alice.agree(bob.publicKey), bob.agree(alice.publicKey)], [hex(secret), hex(secret)]);
  const one = Uint8Array.of(1, ...new Uint8Array(31));
  for (const bad of [new Uint8Array(32), one, new Uint8Array(31), new Uint8Array()]) {
    assert.equal(alice.agree(bad), undefined);
  }
});

Deno.test("hashes and derived keys are those of the RFCs 6234, 4231 and 5869", () => {
  assert.equal(
    sha256(toUtf8("abc")).toHex(),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assert.equal(
    hmac(toUtf8("Jefe"), toUtf8("what do ya want for nothing?")).toHex(),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  const okm = deriveKey(
    new Uint8Array(22).fill(0x0b),
    hex("000102030405060708090a0b0c"),
    hex("f0f1f2f3f4f5f6f7f8f9"),
    42,
  );
  assert.equal(
    okm.toHex(),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
  assert(equalSecrets(okm, okm.slice()) && !equalSecrets(okm, okm.subarray(1)));
});

Deno.test("open reads what seal made, with the same key and number only, and nothing that was changed", () => {
  const key = new Uint8Array(32).fill(7);
  for (const length of [0, 1, 1_000]) {
    const message = new Uint8Array(length).fill(5);
    const sealed = seal(key, 3, message);
    assert.deepEqual(open(key, 3, sealed), message);
    assert.equal(open(key, 4, sealed), undefined);
    assert.equal(open(new Uint8Array(32), 3, sealed), undefined);
    assert.equal(open(key, 3, sealed.subarray(1)), undefined);
    sealed[sealed.length - 1] ^= 1;
    assert.equal(open(key, 3, sealed), undefined);
  }
});
