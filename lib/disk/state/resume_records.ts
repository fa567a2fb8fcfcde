/** The values of the resume state, and functions that read them and trust no value to be well-formed. */
import { parseEndpoint } from "../../protocol/endpoint.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import { CONNECTIONS, STORAGE } from "../../settings.ts";
import type { FileStamp } from "./file_stamp.ts";

/** Version of the layout in `resume_store.ts`. A store with another version is put aside. */
export const FORMAT_VERSION = 1;

/** The phase of a torrent's data; undefined where nothing is known. See `piece_recovery.ts`. */
export type Phase = "active" | "moving" | "complete";

/** Bytes uploaded and downloaded for one torrent in all runs. */
export interface Totals {
  readonly uploaded: number;
  readonly downloaded: number;
}

/** The user's choice of a torrent's files, as globs and as positions. */
export interface KeptChoice {
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly positions: readonly FileRange[];
  readonly first: readonly string[];
  readonly firstPositions: readonly FileRange[];
  /** Undefined where the user said nothing about it. */
  readonly isSequential: boolean | undefined;
}

/** The ports of the last run. */
export interface UsedPorts {
  readonly peer: number;
  readonly tracker: number | null;
}

/** The record of the last session. */
export interface SessionRecord {
  readonly version: number;
  readonly clean: boolean;
  readonly ports?: UsedPorts;
}

const PHASES: readonly unknown[] = ["active", "moving", "complete"];
const NUMBERS_PER_STAMP = 3;

/** The last session; undefined when there was none. Errors: `Error` for another version. */
export function readSession(value: unknown): SessionRecord | undefined {
  if (value === null) return undefined;
  const version = fieldOf(value, "version");
  if (version !== FORMAT_VERSION) {
    const got = typeof version === "number" ? version : "something else";
    throw new Error(`expected version ${FORMAT_VERSION}, got ${got}`);
  }
  const ports = fieldOf(value, "ports");
  const peer = portIn(fieldOf(ports, "peer"));
  const tracker = portIn(fieldOf(ports, "tracker"));
  return {
    version: FORMAT_VERSION,
    clean: fieldOf(value, "clean") === true,
    ...(peer === undefined ? {} : { ports: { peer, tracker: tracker ?? null } }),
  };
}

/** Reads the phase of a torrent's data. */
export function readPhase(value: unknown): Phase | undefined {
  const phase = fieldOf(value, "phase");
  return PHASES.includes(phase) ? phase as Phase : undefined;
}

/** Reads the bytes moved; 0 where they are not known. */
export function readTotals(value: unknown): Totals {
  const bytes = (name: string) => {
    const count = fieldOf(value, name);
    return Number.isSafeInteger(count) ? Math.max(0, count as number) : 0;
  };
  return { uploaded: bytes("uploaded"), downloaded: bytes("downloaded") };
}

/** Reads endpoints, as `host:port`; at most the number that is kept. */
export function readPeers(value: unknown): string[] {
  const isEndpoint = (peer: unknown) => typeof peer === "string" && parseEndpoint(peer) !== undefined;
  return Array.isArray(value) ? value.slice(0, CONNECTIONS.rememberedPeers).filter(isEndpoint) : [];
}

/** Reads the choice of a torrent's files; where nothing is known, it is all files in no order. */
export function readChoice(value: unknown): KeptChoice {
  const list = <Item>(name: string, isItem: (item: unknown) => item is Item): Item[] => {
    const items = fieldOf(value, name);
    return Array.isArray(items) ? items.slice(0, STORAGE.keptGlobs).filter(isItem) : [];
  };
  const ranges = (name: string) => list(name, isRange).map(({ first, last }) => ({ first, last }));
  const isSequential = fieldOf(value, "isSequential");
  return {
    only: list("only", isGlob),
    skip: list("skip", isGlob),
    positions: ranges("positions"),
    first: list("first", isGlob),
    firstPositions: ranges("firstPositions"),
    isSequential: typeof isSequential === "boolean" ? isSequential : undefined,
  };
}

function isGlob(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isRange(value: unknown): value is FileRange {
  return [fieldOf(value, "first"), fieldOf(value, "last")].every((end) => Number.isSafeInteger(end));
}

/** Reads the stamps of `count` files; undefined for a file without a saved stamp. */
export function readStamps(value: unknown, count: number): (FileStamp | undefined)[] {
  const numbers = value instanceof Float64Array ? value : new Float64Array();
  return Array.from({ length: count }, (_, i) => {
    const [size, mtimeMs, inode] = numbers.subarray(i * NUMBERS_PER_STAMP);
    return size >= 0 && inode !== undefined ? { size, mtimeMs, inode } : undefined;
  });
}

/** The opposite of `readStamps`. */
export function stampsRecord(stamps: readonly (FileStamp | undefined)[]): Float64Array {
  const record = new Float64Array(stamps.length * NUMBERS_PER_STAMP).fill(NaN);
  stamps.forEach((stamp, file) => {
    if (stamp !== undefined) record.set([stamp.size, stamp.mtimeMs, stamp.inode], file * NUMBERS_PER_STAMP);
  });
  return record;
}

function portIn(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536
    ? value as number
    : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
