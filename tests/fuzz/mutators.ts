/**
 * Bad input made from good input.
 *
 * A mutator takes bytes that a decoder accepts and damages them a little, so that most of what it makes gets
 * far into the decoder before it is refused. All choices come from `random`, so a seed repeats a run.
 */
import { concatBytes, fromByteString, toByteString, toUtf8 } from "../../lib/protocol/bytes.ts";

/** Numbers in [0, 1). */
export type Random = () => number;
/** Makes a new array from one of the seeds; the seeds stay as they are. */
export type Mutator = (seeds: readonly Uint8Array[], random: Random) => Uint8Array;

/** Longest input made, in bytes. */
const MAX_LENGTH = 64 * 1024;
const EXTREME_BYTES = [0, 1, 0x2f, 0x5c, 0x7f, 0x80, 0xfe, 0xff];
const EXTREME_INTEGERS = [
  "0",
  "-0",
  "-1",
  "1",
  "03",
  "65535",
  "65536",
  "2147483648",
  "4294967295",
  "9007199254740991",
  "9007199254740992",
  "-9007199254740993",
  "9".repeat(400),
  "1.5",
  "",
];
/** Names that mean something to a file system, to JavaScript, to a terminal or to our own code. */
const HOSTILE_STRINGS = [
  "",
  ".",
  "..",
  "../x",
  "/",
  "\\",
  "C:\\x",
  "a/b",
  "CON",
  "nul.txt",
  "a.",
  " ",
  "\u0000",
  "\u001b[2J",
  "\u202eexe.txt",
  "\uFEFFinfo",
  "__proto__",
  "constructor",
  "toString",
  "e\u0301".repeat(200),
  "ä".repeat(200),
  "x".repeat(300),
  "name",
  "path",
  "pieces",
  "length",
  "http://10.0.0.5/",
  "10.0.0.5",
];

/** One of several. */
export function pick<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)];
}

const below = (limit: number, random: Random) => Math.floor(random() * limit);

/** For formats with bytes at fixed places, and as the last blow for all others. */
export const mutateBytes: Mutator = (seeds, random) => {
  let bytes = pick(seeds, random);
  for (let changes = 1 + below(4, random); changes > 0; changes--) {
    bytes = pick(BYTE_CHANGES, random)(bytes, random, seeds);
  }
  return bytes.subarray(0, MAX_LENGTH);
};

type ByteChange = (bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[]) => Uint8Array;

const BYTE_CHANGES: readonly ByteChange[] = [
  function flipBit(bytes, random) {
    const copy = bytes.slice();
    if (copy.length > 0) copy[below(copy.length, random)] ^= 1 << below(8, random);
    return copy;
  },
  function setByte(bytes, random) {
    const copy = bytes.slice();
    copy[below(copy.length, random)] = random() < 0.5 ? pick(EXTREME_BYTES, random) : below(256, random);
    return copy;
  },
  function setNumber(bytes, random) {
    const copy = bytes.slice();
    const at = below(copy.length, random), value = pick(EXTREME_BYTES, random);
    return copy.fill(value, at, at + pick([2, 4, 8], random));
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, below(bytes.length + 1, random));
  },
  function remove(bytes, random) {
    const at = below(bytes.length, random);
    return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 1 + below(8, random)));
  },
  function duplicate(bytes, random) {
    const at = below(bytes.length, random), end = at + 1 + below(40, random);
    return concatBytes(bytes.subarray(0, end), bytes.subarray(at));
  },
  function insert(bytes, random) {
    const at = below(bytes.length + 1, random);
    const inserted = random() < 0.5
      ? toUtf8(pick(HOSTILE_STRINGS, random))
      : Uint8Array.from({ length: 1 + below(8, random) }, () => below(256, random));
    return concatBytes(bytes.subarray(0, at), inserted, bytes.subarray(at));
  },
  function splice(bytes, random, seeds) {
    const other = pick(seeds, random);
    return concatBytes(
      bytes.subarray(0, below(bytes.length + 1, random)),
      other.subarray(below(other.length + 1, random)),
    );
  },
];

/** A bencoded value taken apart: a leaf is its encoded text, one character a byte. */
type Tree = string | { readonly open: "l" | "d"; readonly children: Tree[] };

/** For bencoding: changes values, keys and shapes with all lengths kept right, then sometimes bytes as well. */
export const mutateBencode: Mutator = (seeds, random) => {
  const tree = { open: "l" as const, children: [treeOf(pick(seeds, random))] };
  for (let changes = 1 + below(3, random); changes > 0; changes--) {
    const { children, at } = pick(slotsOf(tree), random);
    pick(TREE_CHANGES, random)(children, at, random, seeds);
    if (tree.children.length === 0) tree.children.push("de");
  }
  const bytes = fromByteString(tree.children.map(textOf).join("").slice(0, MAX_LENGTH));
  return random() < 0.3 ? mutateBytes([bytes], random) : bytes;
};

type TreeChange = (children: Tree[], at: number, random: Random, seeds: readonly Uint8Array[]) => void;

const TREE_CHANGES: readonly TreeChange[] = [
  function replaceByNumber(children, at, random) {
    children[at] = `i${pick(EXTREME_INTEGERS, random)}e`;
  },
  function replaceByString(children, at, random) {
    children[at] = encodedString(toByteString(toUtf8(pick(HOSTILE_STRINGS, random))));
  },
  function replaceByBytes(children, at, random) {
    children[at] = encodedString(
      Array.from({ length: below(60, random) }, () => String.fromCharCode(below(256, random))).join(""),
    );
  },
  function replaceByOther(children, at, random, seeds) {
    children[at] = pick(slotsOf({ open: "l", children: [treeOf(pick(seeds, random))] }), random).tree;
  },
  function lieAboutLength(children, at, random) {
    children[at] = `${pick(EXTREME_INTEGERS, random)}:${textOf(children[at])}`;
  },
  function damageString(children, at, random) {
    const text = textOf(children[at]);
    const contents = fromByteString(text.slice(text.indexOf(":") + 1));
    children[at] = encodedString(toByteString(mutateBytes([contents], random)));
  },
  function remove(children, at) {
    children.splice(at, 1);
  },
  function duplicate(children, at, random) {
    for (let times = pick([1, 1, 1, 50], random); times > 0; times--) children.splice(at, 0, children[at]);
  },
  function duplicateMember(children, at) {
    children.splice(at, 0, ...children.slice(at, at + 2));
  },
  function swap(children, at, random) {
    const other = below(children.length, random);
    [children[at], children[other]] = [children[other], children[at]];
  },
  function nest(children, at, random) {
    const depth = pick([1, 15, 16, 99, 100, 101, 5_000], random);
    const [open, close] = pick([["l", "e"], ["d1:a", "e"], ["l", ""]], random);
    children[at] = open.repeat(depth) + textOf(children[at]) + close.repeat(depth);
  },
];

interface Slot {
  readonly children: Tree[];
  readonly at: number;
  readonly tree: Tree;
}

/** Every place of a tree that can be changed; only places below a list or dictionary count. */
function slotsOf(tree: Tree): Slot[] {
  if (typeof tree === "string") return [];
  return tree.children.flatMap((
    child,
    at,
  ) => [{ children: tree.children, at, tree: child }, ...slotsOf(child)]);
}

function encodedString(contents: string): string {
  return `${contents.length}:${contents}`;
}

function textOf(tree: Tree): string {
  return typeof tree === "string" ? tree : `${tree.open}${tree.children.map(textOf).join("")}e`;
}

/** The tree of well-formed bencoding; what follows it belongs to the last leaf. */
function treeOf(bytes: Uint8Array): Tree {
  const text = toByteString(bytes);
  let at = 0;
  const read = (): Tree => {
    const open = text[at];
    if (open === "l" || open === "d") {
      const children: Tree[] = [];
      for (at++; text[at] !== "e"; children.push(read()));
      at++;
      return { open, children };
    }
    const start = at;
    const colon = text.indexOf(":", at);
    at = open === "i" ? text.indexOf("e", at) + 1 : colon + 1 + Number(text.slice(at, colon));
    return text.slice(start, at);
  };
  const tree = read();
  return at === text.length ? tree : textOf(tree) + text.slice(at);
}
