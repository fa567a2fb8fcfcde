/** The user's choices, which may change at any time: for the process, and for single torrents. */
import { ALTERNATIVE_LIMIT, CHOKING } from "../settings.ts";
import { readSpan, type WeeklySpan } from "./time_of_week.ts";

/** Everything that the user may choose. */
export interface Choices {
  /** How many peers of one torrent we upload to at the same time. */
  readonly uploadSlots: number;
  /** How many peers of one torrent we download from at the same time. */
  readonly downloadSources: number;
  /** How often slots and sources are given anew, in ms. */
  readonly rechokeMs: number;
  /** Whether a seeder shows each piece to one peer only at first (BEP 16). */
  readonly superSeeds: boolean;
  /** Whether peers are exchanged (BEP 11); never in a private torrent. */
  readonly peerExchange: boolean;
  /** Bytes per second; `Infinity` for no limit. A torrent has to keep both its own limit and that of the process. */
  readonly maxUpload: number;
  readonly maxDownload: number;
  /** Sent bytes for each received one at which a finished torrent pauses; `Infinity` for no such goal. */
  readonly seedRatio: number;
  /** How long a finished torrent is seeded until it pauses, in ms; `Infinity` for no such goal. */
  readonly seedTimeMs: number;
  /** How many torrents that are not finished run at once, of the whole process; `Infinity` for all. */
  readonly maxActive: number;
  /** Limits of the process, in bytes per second, that replace the usual ones while `altIsOn`. */
  readonly altMaxUpload: number;
  readonly altMaxDownload: number;
  readonly altIsOn: boolean;
  /** When the clock on the wall turns the alternative limits on and off. */
  readonly altSchedule: WeeklySpan | "none";
}

/** Choices that only the whole process has. */
export const OF_PROCESS = ["maxActive", "altMaxUpload", "altMaxDownload", "altIsOn", "altSchedule"] as const;

/** Choices to change; where a member is undefined, the choice for all torrents or the default holds again. */
export type Changes = { readonly [Name in keyof Choices]?: Choices[Name] | undefined };

/** The values of choices that the user did not make. */
export const DEFAULT_CHOICES: Choices = {
  uploadSlots: CHOKING.uploadSlots,
  downloadSources: CHOKING.downloadSources,
  rechokeMs: CHOKING.rechokeMs,
  superSeeds: false,
  peerExchange: true,
  maxUpload: Infinity,
  maxDownload: Infinity,
  seedRatio: Infinity,
  seedTimeMs: Infinity,
  maxActive: Infinity,
  altMaxUpload: ALTERNATIVE_LIMIT,
  altMaxDownload: ALTERNATIVE_LIMIT,
  altIsOn: false,
  altSchedule: "none",
};

/** Most slots or sources of one torrent. */
const MAX_PLACES = 1_000;

/** The choices at this moment. All users read a choice anew each time, so that a change takes effect at once. */
export class Policy implements Choices {
  readonly #base: Choices;
  #own: Partial<Choices> = {};

  /** `base` holds for all that is not chosen in `own`. Errors: `RangeError`. */
  constructor(base: Choices = DEFAULT_CHOICES, own: Changes = {}) {
    this.#base = base;
    this.change(own);
  }

  /** The choices made here, without those of the base. */
  get own(): Partial<Choices> {
    return this.#own;
  }

  /** Changes choices; for undefined, the base's choice holds again. Errors: `RangeError`, and then nothing changes. */
  change(choices: Changes): void {
    const entries = Object.entries({ ...this.#own, ...choices }).filter(([, value]) => value !== undefined);
    const own: Partial<Choices> = Object.fromEntries(entries);
    checkChoices(own);
    this.#own = own;
  }

  get uploadSlots(): number {
    return this.#own.uploadSlots ?? this.#base.uploadSlots;
  }

  get downloadSources(): number {
    return this.#own.downloadSources ?? this.#base.downloadSources;
  }

  get rechokeMs(): number {
    return this.#own.rechokeMs ?? this.#base.rechokeMs;
  }

  get superSeeds(): boolean {
    return this.#own.superSeeds ?? this.#base.superSeeds;
  }

  get peerExchange(): boolean {
    return this.#own.peerExchange ?? this.#base.peerExchange;
  }

  /** The limit of the base holds beside this one, for all torrents together. */
  get maxUpload(): number {
    return this.#own.maxUpload ?? Infinity;
  }

  /** The limit of the base holds beside this one, for all torrents together. */
  get maxDownload(): number {
    return this.#own.maxDownload ?? Infinity;
  }

  get seedRatio(): number {
    return this.#own.seedRatio ?? this.#base.seedRatio;
  }

  get seedTimeMs(): number {
    return this.#own.seedTimeMs ?? this.#base.seedTimeMs;
  }

  get maxActive(): number {
    return this.#own.maxActive ?? this.#base.maxActive;
  }

  get altMaxUpload(): number {
    return this.#own.altMaxUpload ?? this.#base.altMaxUpload;
  }

  get altMaxDownload(): number {
    return this.#own.altMaxDownload ?? this.#base.altMaxDownload;
  }

  get altIsOn(): boolean {
    return this.#own.altIsOn ?? this.#base.altIsOn;
  }

  get altSchedule(): Choices["altSchedule"] {
    return this.#own.altSchedule ?? this.#base.altSchedule;
  }
}

/** Reads saved choices and leaves invalid ones out. */
export function readChoices(value: unknown): Partial<Choices> {
  const policy = new Policy();
  for (const [name, example] of Object.entries(DEFAULT_CHOICES)) {
    const saved = typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)[name]
      : undefined;
    if (name !== "altSchedule" && typeof saved !== typeof example) continue;
    if (saved === undefined) continue;
    try {
      policy.change({ [name]: saved });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return policy.own;
}

function checkChoices(own: Partial<Choices>): void {
  const check = (name: keyof Choices, isGood: (value: number) => boolean, wanted: string) => {
    const value = own[name];
    if (value === undefined || (typeof value === "number" && isGood(value))) return;
    throw new RangeError(`Expected ${wanted}, got ${value}`);
  };
  for (const name of ["uploadSlots", "downloadSources"] as const) {
    const isGood = (value: number) => Number.isInteger(value) && value >= 1 && value <= MAX_PLACES;
    check(name, isGood, `1 to ${MAX_PLACES} ${name}`);
  }
  for (const name of ["rechokeMs", "maxUpload", "maxDownload", "altMaxUpload", "altMaxDownload"] as const) {
    check(name, (value) => value > 0, `${name} above 0`);
  }
  for (const name of ["seedRatio", "seedTimeMs"] as const) {
    check(name, (value) => value >= 0, `${name} of 0 or more`);
  }
  const isCount = (value: number) => value === Infinity || (Number.isInteger(value) && value >= 1);
  check("maxActive", isCount, "a whole maxActive of 1 or more");
  const { altSchedule = "none" } = own;
  if (altSchedule !== "none" && readSpan(altSchedule) === undefined) {
    throw new RangeError(
      "Expected minutes of a day and bits of seven days in altSchedule, got something else",
    );
  }
}
