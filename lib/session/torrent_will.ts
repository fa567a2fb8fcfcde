import type { ResumeStore } from "../disk/state/resume_store.ts";
import { messageOf } from "../errors.ts";
import { RateLimiter } from "../net/peers/rate_limiter.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Surroundings } from "../surroundings.ts";
import { type Choices, Policy, readChoices } from "../swarm/policy.ts";

/** What a will stands on. */
export interface WillContext {
  readonly resume: ResumeStore;
  readonly surroundings: Surroundings;
  /** What holds for all torrents. */
  readonly policy: Policy;
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
}

/** What the user wants of a torrent beside its files: a pause, limits, slots. It holds at once, and over restarts. */
export class TorrentWill {
  readonly policy: Policy;
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
  readonly #infoHash: InfoHash;
  readonly #context: WillContext;
  /** Undefined before it is known what was wanted in earlier runs. */
  #isPaused: boolean | undefined;
  readonly #loaded: Promise<void>;
  #saving: Promise<void>;

  constructor(infoHash: InfoHash, context: WillContext) {
    const { policy, limits, surroundings: { now } } = context;
    this.#infoHash = infoHash;
    this.#context = context;
    this.policy = new Policy(policy);
    this.limits = {
      upload: new RateLimiter(Infinity, now, limits.upload),
      download: new RateLimiter(Infinity, now, limits.download),
    };
    this.#loaded = this.#load();
    this.#saving = this.#loaded.catch(() => {});
  }

  /** Takes up what was wanted in earlier runs, where nothing else was said since. */
  async #load(): Promise<void> {
    const { isPaused, choices } = readWishes(await this.#context.resume.wishes(this.#infoHash));
    this.#isPaused ??= isPaused;
    this.policy.change({ ...choices, ...this.policy.own });
    this.applyLimits();
  }

  /** Resolves when it is known what was wanted in earlier runs. Errors: what KV throws. */
  get loaded(): Promise<void> {
    return this.#loaded;
  }

  /** Resolves when all is saved that was said. Never rejects. */
  get saved(): Promise<void> {
    return this.#saving;
  }

  /** Whether the torrent is to rest. */
  get isPaused(): boolean {
    return this.#isPaused ?? false;
  }

  set isPaused(isPaused: boolean) {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    this.#save();
  }

  /** Chooses; undefined is what holds for all. Errors: `RangeError`, and nothing has changed. */
  choose(choices: Partial<Choices>): void {
    this.policy.change(choices);
    this.#save();
    this.applyLimits();
  }

  /** The limits follow what was chosen. */
  applyLimits(): void {
    this.limits.upload.rate = this.policy.maxUpload;
    this.limits.download.rate = this.policy.maxDownload;
  }

  #save(): void {
    const { resume, surroundings: { log } } = this.#context;
    this.#saving = this.#saving.then(async () => {
      try {
        await resume.saveWishes({ isPaused: this.isPaused, choices: this.policy.own }, this.#infoHash);
      } catch (error) {
        log.warn(`cannot keep what the user wants: ${messageOf(error)}`);
      }
    });
  }
}

/** What was saved of it; what makes no sense is left out. */
function readWishes(saved: unknown): { isPaused: boolean; choices: Partial<Choices> } {
  const record = typeof saved === "object" && saved !== null ? saved as Record<string, unknown> : {};
  return { isPaused: record.isPaused === true, choices: readChoices(record.choices) };
}
