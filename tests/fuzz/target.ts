/** What a fuzz target is, and the small values many of them start from. */
import { MetainfoError, ProtocolError } from "../../lib/errors.ts";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import { infoHashOf } from "../../lib/protocol/info_hash.ts";
import type { Mutator, Random } from "./mutators.ts";

/** One decoder under test. */
export interface Target {
  readonly name: string;
  /** Input the decoder accepts, or nearly so. */
  readonly seeds: readonly Uint8Array[];
  readonly mutate: Mutator;
  /** Whether each input costs a key exchange, and a short run has fewer of them therefore. */
  readonly isCostly?: boolean;
  /** What it may throw; undefined: nothing. */
  readonly error?: typeof ProtocolError | typeof MetainfoError;
  /** Decodes the input and asserts what holds for every value that comes out. */
  readonly run: (input: Uint8Array, random: Random) => void;
}

/** `length` bytes of one value. */
export const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

export const INFO_HASH = infoHashOf(toUtf8("fuzz"));
export const PEER_ID = toUtf8("-PD0100-abcdefghijkl");
export const ENDPOINTS = [
  { address: "10.0.0.5", port: 6881 },
  { address: "192.168.1.2", port: 1 },
  { address: "fd00::5", port: 6881 },
];
