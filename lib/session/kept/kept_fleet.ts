/** The key of this home and the fleet that it is a member of, kept in `state/fleet.json`, which only its owner may read. */
import { readPrivateFile, writePrivateFile } from "../../disk/state/private_file.ts";
import { StorageError } from "../../errors.ts";
import { KEY_LENGTH, SigningKey } from "../../protocol/cryptography.ts";
import { type InfoHash, parseInfoHash } from "../../protocol/info_hash.ts";
import { type AnswerKind, ANSWERS } from "../../protocol/offer_messages.ts";
import { FLEET } from "../../settings.ts";
import { LatestSave } from "../../disk/state/latest_save.ts";

/** How a member takes what a trusted lead offers: after its user was asked, or by itself. */
export type Acceptance = "ask" | "lead";

/** A host of the fleet that was met. */
export interface KeptMember {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly name: string;
  /** Where it was met last, `HOST:PORT`. */
  readonly endpoint: string;
  /** When it was met or left last, in ms since 1970. */
  readonly seenAt: number;
  /** The hardware addresses by which it is woken. */
  readonly macs: readonly Uint8Array<ArrayBuffer>[];
}

/** A lead that this host obeys. */
export interface KeptLead {
  readonly key: Uint8Array<ArrayBuffer>;
  /** The name of its machine, where it came with the key. */
  readonly name: string;
}

/** An offer of a lead as it came, and what this host has decided about it. */
export interface KeptOffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly decision: Decision | undefined;
}

/** What this host has decided about an offer. */
export interface Decision {
  readonly kind: AnswerKind;
  /** In ms since 1970, and above that of each earlier decision. */
  readonly at: number;
  /** For `full`: the bytes that it needs, and that there are. */
  readonly needs?: number | undefined;
  readonly has?: number | undefined;
}

/** The fleet that this host is a member of. */
export interface KeptFleet {
  readonly name: string;
  /** The secret that all members know: 32 bytes. */
  readonly fleetKey: Uint8Array<ArrayBuffer>;
  readonly leads: readonly KeptLead[];
  readonly accept: Acceptance;
  /** Bytes that leads may fill; undefined for half of what is free. */
  readonly quota: number | undefined;
  /** The members that were met, by key as text; the one met last is the last. */
  readonly members: ReadonlyMap<string, KeptMember>;
  readonly offers: readonly KeptOffer[];
  /** Bytes of each torrent that leads have put here. */
  readonly taken: readonly (readonly [InfoHash, number])[];
  /** The number of the last offer that this host has made as lead. */
  readonly lastSeq: number;
}

/** A fleet that this host has just become a member of. */
export function freshFleet(name: string, fleetKey: KeptFleet["fleetKey"], lead: KeptLead): KeptFleet {
  return {
    name,
    fleetKey,
    leads: [lead],
    accept: "ask",
    quota: undefined,
    members: new Map(),
    offers: [],
    taken: [],
    lastSeq: 0,
  };
}

const FILE = "fleet.json";

/** What is kept about fleets. */
export class KeptFleets {
  readonly #home: string;
  readonly #saves: LatestSave;
  #seed: Uint8Array | undefined;
  /** Whether the seed is in the file. */
  #isKeyKept: boolean;
  #key: SigningKey | undefined;
  #fleet: KeptFleet | undefined;

  private constructor(home: string, seed: Uint8Array | undefined, fleet: KeptFleet | undefined) {
    this.#home = home;
    this.#seed = seed;
    this.#isKeyKept = seed !== undefined;
    this.#fleet = fleet;
    this.#saves = new LatestSave(() => this.#save());
  }

  /** Loads it. Errors: `StorageError` also for a file that makes no sense: a lost key must not be replaced silently. */
  static async load(home: string): Promise<KeptFleets> {
    const text = await readPrivateFile(home, FILE);
    if (text === undefined) return new KeptFleets(home, undefined, undefined);
    try {
      const record = JSON.parse(text);
      return new KeptFleets(
        home,
        record.seed === undefined ? undefined : bytesIn(record.seed),
        record.fleet === undefined ? undefined : readFleet(record.fleet),
      );
    } catch (error) {
      throw new StorageError(`Expected the keys of a fleet in state/${FILE}, got something else`, {
        cause: error,
      });
    }
  }

  /** The key of this home; made at first need, and then lasting once it is saved. */
  get key(): SigningKey {
    if (this.#key !== undefined) return this.#key;
    this.#seed ??= crypto.getRandomValues(new Uint8Array(KEY_LENGTH));
    return this.#key = new SigningKey(this.#seed);
  }

  /** Whether this home has a key already. */
  get hasKey(): boolean {
    return this.#seed !== undefined;
  }

  /** Undefined for a host that is a member of none. */
  get fleet(): KeptFleet | undefined {
    return this.#fleet;
  }

  /** Replaces what is kept about the fleet; it holds at once, and is kept when this resolves. Errors: `StorageError`. */
  async change(fleet: KeptFleet | undefined): Promise<void> {
    this.#fleet = fleet;
    await this.#saves.save();
  }

  /** Resolves when the key is kept that this home has shown. Errors: `StorageError`. */
  async keepKey(): Promise<void> {
    if (!this.#isKeyKept) await this.#saves.save();
  }

  /** Resolves when no save is under way. Never rejects. */
  get settled(): Promise<void> {
    return this.#saves.settled();
  }

  async #save(): Promise<void> {
    const hasKey = this.#seed !== undefined;
    await writePrivateFile(this.#home, FILE, this.#text);
    this.#isKeyKept = hasKey;
  }

  get #text(): string {
    const fleet = this.#fleet && { ...this.#fleet, members: [...this.#fleet.members.values()] };
    const record = { seed: this.#seed, fleet };
    return `${JSON.stringify(record, (_, value) => value instanceof Uint8Array ? value.toHex() : value)}\n`;
  }
}

/** The members with one that was met just now, or has just gone; the one met longest ago makes room. */
export function withMember(
  members: KeptFleet["members"],
  id: string,
  member: KeptMember,
): KeptFleet["members"] {
  const all = new Map(members);
  all.delete(id);
  all.set(id, member);
  if (all.size > FLEET.members) all.delete(all.keys().next().value!);
  return all;
}

// Records are read with checks for what matters; anything else throws, and the file counts as broken.

/** Members of a record, not checked. */
type Fields = Readonly<Record<string, unknown>>;

function readFleet(record: Fields): KeptFleet {
  const members = listIn(record.members).map((member) => ({
    key: bytesIn(member.key),
    name: textIn(member.name),
    endpoint: textIn(member.endpoint),
    seenAt: numberIn(member.seenAt),
    macs: listIn(member.macs ?? []).map((mac) => Uint8Array.fromHex(textIn(mac))),
  }));
  return {
    name: textIn(record.name),
    fleetKey: bytesIn(record.fleetKey),
    leads: listIn(record.leads).map(({ key, name }) => ({ key: bytesIn(key), name: textIn(name) })),
    accept: record.accept === "lead" ? "lead" : "ask",
    quota: record.quota === undefined ? undefined : numberIn(record.quota),
    members: new Map(members.map((member) => [member.key.toHex(), member])),
    offers: listIn(record.offers).map(readOffer),
    taken: listIn(record.taken).map(([infoHash, length]) => [hashIn(infoHash), numberIn(length)] as const),
    lastSeq: numberIn(record.lastSeq),
  };
}

function readOffer({ bytes, signature, decision }: Fields): KeptOffer {
  return {
    bytes: Uint8Array.fromHex(textIn(bytes)),
    signature: Uint8Array.fromHex(textIn(signature)),
    decision: decision === undefined ? undefined : readDecision(decision as Fields),
  };
}

function readDecision({ kind, at, needs, has }: Fields): Decision {
  const known = ANSWERS.find((each) => each === kind);
  if (known === undefined) throw new TypeError("Expected an answer");
  const [needed, there] = [needs, has].map((bytes) => bytes === undefined ? undefined : numberIn(bytes));
  return { kind: known, at: numberIn(at), needs: needed, has: there };
}

function hashIn(value: unknown): InfoHash {
  const infoHash = parseInfoHash(textIn(value));
  if (infoHash !== undefined) return infoHash;
  throw new TypeError("Expected an info-hash");
}

// deno-lint-ignore no-explicit-any
function listIn(value: unknown): any[] {
  if (Array.isArray(value)) return value;
  throw new TypeError("Expected a list");
}

function bytesIn(value: unknown): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.fromHex(textIn(value));
  if (bytes.length === KEY_LENGTH) return bytes;
  throw new TypeError("Expected a key");
}

function textIn(value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError("Expected a text");
}

function numberIn(value: unknown): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new TypeError("Expected a number");
}
