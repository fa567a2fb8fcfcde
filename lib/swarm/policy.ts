/** What may be chosen while everything runs: for the process, and for each torrent over that. */
import { CHOKING } from "../settings.ts";

/** Everything that may be chosen. */
export interface Choices {
  /** Peers uploaded to at once, and downloaded from at once, in one torrent. */
  readonly uploadSlots: number;
  readonly downloadSources: number;
  /** How often both are given anew, in ms. */
  readonly rechokeMs: number;
  /** Whether a seeder shows each piece to one peer only at first (BEP 16). */
  readonly superSeeds: boolean;
  /** Whether peers are exchanged (BEP 11); never in a private torrent. */
  readonly peerExchange: boolean;
  /** Bytes per second; `Infinity` for no limit. A torrent's own limit holds beside that of the process. */
  readonly maxUpload: number;
  readonly maxDownload: number;
}

/** What holds where nothing was chosen. */
export const DEFAULT_CHOICES: Choices = {
  uploadSlots: CHOKING.uploadSlots,
  downloadSources: CHOKING.downloadSources,
  rechokeMs: CHOKING.rechokeMs,
  superSeeds: false,
  peerExchange: true,
  maxUpload: Infinity,
  maxDownload: Infinity,
};

/** Most slots or sources of one torrent. */
const MAX_PLACES = 1_000;

/** What is chosen at this moment. Whoever uses a choice reads it anew each time, so that a change holds at once. */
export class Policy implements Choices {
  readonly #base: Choices;
  #own: Partial<Choices> = {};

  /** `base` holds wherever nothing is chosen here. Errors: `RangeError`. */
  constructor(base: Choices = DEFAULT_CHOICES, own: Partial<Choices> = {}) {
    this.#base = base;
    this.change(own);
  }

  /** What was chosen here, and not in the base. */
  get own(): Partial<Choices> {
    return this.#own;
  }

  /** Chooses; with undefined, the base's choice holds again. Errors: `RangeError`, and nothing has changed. */
  change(choices: Partial<Choices>): void {
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
}

/** Choices that were saved, of which what makes no sense is left out. */
export function readChoices(value: unknown): Partial<Choices> {
  const policy = new Policy();
  for (const [name, example] of Object.entries(DEFAULT_CHOICES)) {
    const saved = typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)[name]
      : undefined;
    if (typeof saved !== typeof example) continue;
    try {
      policy.change({ [name]: saved });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return policy.own;
}

function checkChoices(own: Partial<Choices>): void {
  for (const name of ["uploadSlots", "downloadSources"] as const) {
    const value = own[name] ?? 1;
    if (Number.isInteger(value) && value >= 1 && value <= MAX_PLACES) continue;
    throw new RangeError(`Expected 1 to ${MAX_PLACES} ${name}, got ${value}`);
  }
  for (const name of ["rechokeMs", "maxUpload", "maxDownload"] as const) {
    const value = own[name] ?? 1;
    if (!(value > 0)) throw new RangeError(`Expected ${name} above 0, got ${value}`);
  }
}
