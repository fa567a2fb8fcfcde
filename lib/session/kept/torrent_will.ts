import { messageOf } from "../../errors.ts";
import { RateLimiter } from "../../net/peers/rate_limiter.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { Surroundings } from "../../surroundings.ts";
import { type Changes, Policy } from "../../swarm/policy.ts";
import { LatestSave } from "../../disk/state/latest_save.ts";
import type { KeptState } from "./kept_state.ts";
import type { KeptTorrent } from "./kept_torrent.ts";

/** The parts of the session that a will needs. */
export interface WillContext {
  readonly state: KeptState;
  readonly surroundings: Surroundings;
  /** The choices for all torrents. */
  readonly policy: Policy;
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
}

/** The user's will for a torrent, except its files: a pause, limits, labels. It holds at once and after a restart. */
export class TorrentWill {
  readonly policy: Policy;
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
  readonly #infoHash: InfoHash;
  readonly #context: WillContext;
  #kept: KeptTorrent;
  readonly #saves = new LatestSave(() => this.#context.state.save(this.#infoHash, this.#kept));
  #isForgotten = false;

  constructor(infoHash: InfoHash, context: WillContext) {
    const { policy, limits, surroundings: { now } } = context;
    this.#infoHash = infoHash;
    this.#context = context;
    // A torrent that is there again has not been removed.
    this.#kept = { ...context.state.torrent(infoHash), isLeaving: false };
    this.policy = new Policy(policy, this.#kept.choices);
    this.limits = {
      upload: new RateLimiter(Infinity, now, limits.upload),
      download: new RateLimiter(Infinity, now, limits.download),
    };
    this.#applyLimits();
  }

  /** The present will. */
  get kept(): KeptTorrent {
    return this.#kept;
  }

  /** Whether the torrent is to rest until `resume`. */
  get isPaused(): boolean {
    return this.#kept.isPaused;
  }

  /** Changes the will at once; resolves when the change is kept. Errors: `StorageError` when it cannot be kept. */
  change(changes: Partial<KeptTorrent>): Promise<void> {
    if (this.#isForgotten) return Promise.resolve();
    this.#kept = { ...this.#kept, ...changes };
    return this.save();
  }

  /** As `change`, for changes that nobody waits for: a failure is logged. */
  note(changes: Partial<KeptTorrent>): void {
    const { log } = this.#context.surroundings;
    this.change(changes).catch((error) => log.warn(messageOf(error)));
  }

  /**
   * Chooses for this torrent; undefined restores the value for all. Errors: `RangeError`, thrown at once, and then
   * nothing has changed; `StorageError` as in `change`.
   */
  choose(choices: Changes): Promise<void> {
    this.policy.change(choices);
    this.#applyLimits();
    return this.change({ choices: this.policy.own });
  }

  #applyLimits(): void {
    this.limits.upload.rate = this.policy.maxUpload;
    this.limits.download.rate = this.policy.maxDownload;
  }

  /** Saves the present will. Errors: `StorageError`. */
  save(): Promise<void> {
    return this.#saves.save();
  }

  /** Resolves when no save is under way. Never rejects. */
  saved(): Promise<void> {
    return this.#saves.settled();
  }

  /**
   * Ends the will: later changes are dropped, and it is saved that the torrent leaves. The caller removes what was saved,
   * and calls `remember` if that fails. Errors: `StorageError`.
   */
  async forget(): Promise<void> {
    const leaving = this.change({ isLeaving: true });
    this.#isForgotten = true;
    await leaving;
  }

  /** The torrent stays after all. */
  remember(): void {
    this.#isForgotten = false;
    this.note({ isLeaving: false });
  }
}
