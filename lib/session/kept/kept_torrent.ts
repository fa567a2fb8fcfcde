/** The record that is kept of a torrent from run to run, beside its data and the choice of its files. */
import { isAbsolute } from "node:path";
import { readChoices } from "../../swarm/policy.ts";
import type { Choices } from "../../swarm/policy.ts";
import { LABELS } from "../../settings.ts";
import { type KeptAddresses, readAddresses, UNCHANGED } from "./kept_addresses.ts";

/** The record of one torrent. Times in ms since 1970. */
export interface KeptTorrent {
  /** The torrent's number for people: from 1, and never given to another torrent. */
  readonly number: number;
  /** Orders the queue: the torrent with the lowest rank comes first. */
  readonly rank: number;
  readonly addedAt: number;
  /** When all wanted data was in its place for the last time; undefined where it never was. */
  readonly completedAt: number | undefined;
  /** Whether the user wants the torrent to rest. */
  readonly isPaused: boolean;
  /** Why the program itself has paused it; undefined where the user did. */
  readonly pauseReason: string | undefined;
  /** The choices made for this torrent alone. */
  readonly choices: Partial<Choices>;
  readonly labels: readonly string[];
  /** Whether the user removes it; a record that still says so is of a removal that was cut off. */
  readonly isLeaving: boolean;
  /** The folder that the user chose for its data, an absolute path; undefined for `shareable/`. */
  readonly folder: string | undefined;
  /** The folder from which its data is being moved there, an absolute path; undefined where no move is under way. */
  readonly movesFrom: string | undefined;
  /** Whether the data is the user's own, shared from where it lies; then it is never written. */
  readonly isUsersOwn: boolean;
  /** Whether hosts near by that know no code of it may see that it is shared. */
  readonly isListed: boolean;
  /** Absolute paths of old data of the user's in which pieces are looked for. */
  readonly reuse: readonly string[];
  /** Bytes that were found there. */
  readonly reused: number;
  /** Trackers and web seeds that the user has added or dropped. */
  readonly addresses: KeptAddresses;
}

/** The record of a torrent that is added at `addedAt`. */
export function newKeptTorrent(number: number, addedAt: number): KeptTorrent {
  return {
    number,
    rank: number,
    addedAt,
    completedAt: undefined,
    isPaused: false,
    pauseReason: undefined,
    choices: {},
    labels: [],
    isLeaving: false,
    folder: undefined,
    movesFrom: undefined,
    isUsersOwn: false,
    isListed: false,
    reuse: [],
    reused: 0,
    addresses: UNCHANGED,
  };
}

/** Reads a saved record, which may be of an older version; `fresh` has the values that are missing or make no sense. */
export function readKeptTorrent(saved: unknown, fresh: KeptTorrent): KeptTorrent {
  const record = typeof saved === "object" && saved !== null ? saved as Record<string, unknown> : {};
  return {
    ...fresh,
    rank: isFiniteNumber(record.rank) ? record.rank : fresh.rank,
    addedAt: isFiniteNumber(record.addedAt) ? record.addedAt : fresh.addedAt,
    completedAt: isFiniteNumber(record.completedAt) ? record.completedAt : undefined,
    isPaused: record.isPaused === true,
    pauseReason: typeof record.pauseReason === "string" ? record.pauseReason : undefined,
    choices: readChoices(record.choices),
    labels: Array.isArray(record.labels) ? record.labels.filter(isLabel).slice(0, LABELS.perTorrent) : [],
    isLeaving: record.isLeaving === true,
    folder: readFolder(record.folder),
    movesFrom: readFolder(record.movesFrom),
    isUsersOwn: record.isUsersOwn === true,
    isListed: record.isListed === true,
    reuse: Array.isArray(record.reuse) ? record.reuse.filter((path) => readFolder(path) !== undefined) : [],
    reused: isFiniteNumber(record.reused) ? Math.max(0, record.reused) : 0,
    addresses: readAddresses(record.addresses),
  };
}

function readFolder(value: unknown): string | undefined {
  return typeof value === "string" && isAbsolute(value) ? value : undefined;
}

/** The number in a saved record; undefined where it has none. */
export function numberIn(saved: unknown): number | undefined {
  const number = typeof saved === "object" && saved !== null && "number" in saved ? saved.number : undefined;
  return isNumber(number) ? number : undefined;
}

/** Whether a value may be a torrent's number. */
export function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Checks labels and returns each once. Errors: `RangeError`. */
export function checkLabels(labels: readonly string[]): string[] {
  const bad = labels.find((label: string) => !isLabel(label)) as string | undefined;
  if (bad !== undefined) {
    const wanted = `labels of 1 to ${LABELS.characters} characters without commas`;
    throw new RangeError(`Expected ${wanted}, got ${JSON.stringify(bad.slice(0, LABELS.characters))}`);
  }
  const unique = [...new Set(labels)];
  if (unique.length > LABELS.perTorrent) {
    throw new RangeError(`Expected at most ${LABELS.perTorrent} labels, got ${unique.length}`);
  }
  return unique;
}

/** Programs that know labels, as Transmission, separate them by commas. */
function isLabel(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= LABELS.characters &&
    !/[,\p{Cc}]/u.test(value);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
