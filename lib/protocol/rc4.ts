/**
 * The RC4 stream cipher as MSE uses it: without the first 1,024 bytes of its key stream.
 *
 * RC4 is a broken cipher; here it only hides the protocol from middleboxes.
 */
export class Rc4 {
  // Words of 32 bits: element access is a quarter faster than with bytes.
  readonly #state = Int32Array.from({ length: 256 }, (_, i) => i);
  #i = 0;
  #j = 0;

  /** `key` has 1 to 256 bytes; `discard` is the number of bytes dropped from the start of the key stream. */
  constructor(key: Uint8Array, discard = 1024) {
    const state = this.#state;
    for (let i = 0, j = 0; i < 256; i++) {
      const value = state[i];
      j = (j + value + key[i % key.length]) & 0xff;
      state[i] = state[j];
      state[j] = value;
    }
    this.process(new Uint8Array(discard));
  }

  /** Encrypts or decrypts `bytes` in place, and continues where the last call ended. */
  process(bytes: Uint8Array): void {
    const state = this.#state;
    const length = bytes.length;
    let i = this.#i;
    let j = this.#j;
    for (let n = 0; n < length; n++) {
      i = (i + 1) & 0xff;
      const a = state[i];
      j = (j + a) & 0xff;
      const b = state[j];
      state[i] = b;
      state[j] = a;
      bytes[n] ^= state[(a + b) & 0xff];
    }
    this.#i = i;
    this.#j = j;
  }
}
