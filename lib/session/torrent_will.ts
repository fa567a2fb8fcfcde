import type { ResumeStore } from "../disk/state/resume_store.ts";
import { messageOf } from "../errors.ts";
import { RateLimiter } from "../net/peers/rate_limiter.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Surroundings } from "../surroundings.ts";
import { type Changes, type Choices, Policy, readChoices } from "../swarm/policy.ts";

/** The parts of the session that a will needs. */
export interface WillContext {
  readonly resume: ResumeStore;
  readonly surroundings: Surroundings;
  /** The choices for all torrents. */
  readonly policy: Policy;
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
}

/** The user's will for a torrent, except its files: a pause, limits, slots. It holds at once and after a restart. */
export class TorrentWill {
  readonly policy: Policy;
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
  readonly #infoHash: InfoHash;
  readonly #context: WillContext;
  /** Undefined until the will of earlier runs is loaded or the user says otherwise. */
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

  /** Loads the will of earlier runs; orders given meanwhile come first. */
  async #load(): Promise<void> {
    const { isPaused, choices } = readWishes(await this.#context.resume.wishes(this.#infoHash));
    this.#isPaused ??= isPaused;
    this.policy.change({ ...choices, ...this.policy.own });
    this.applyLimits();
  }

  /** Resolves when the will of earlier runs is loaded. Errors: those of Deno KV. */
  get loaded(): Promise<void> {
    return this.#loaded;
  }

  /** Resolves when the present will is saved, or its failure logged. Never rejects. */
  get saved(): Promise<void> {
    return this.#saving;
  }

  /** Whether the user wants the torrent to rest. */
  get isPaused(): boolean {
    return this.#isPaused ?? false;
  }

  set isPaused(isPaused: boolean) {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    this.#save();
  }

  /** Chooses for this torrent; undefined restores the value for all. Errors: `RangeError`; then nothing has changed. */
  choose(choices: Changes): void {
    this.policy.change(choices);
    this.#save();
    this.applyLimits();
  }

  /** Sets the rates of the limits to the choices. */
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

/** The saved will, without values that make no sense. */
function readWishes(saved: unknown): { isPaused: boolean; choices: Partial<Choices> } {
  const record = typeof saved === "object" && saved !== null ? saved as Record<string, unknown> : {};
  return { isPaused: record.isPaused === true, choices: readChoices(record.choices) };
}
