import { RateLimiter } from "../../net/peers/rate_limiter.ts";
import { inForce } from "../../precedence.ts";
import { type Changes, type Choices, DEFAULT_CHOICES, Policy } from "../../swarm/policy.ts";
import { isWithin } from "../../swarm/time_of_week.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { SessionOptions } from "../session_options.ts";
import { timeOfWeek } from "../surroundings.ts";
import { LatestSave } from "../../disk/state/latest_save.ts";
import type { KeptState } from "./kept_state.ts";

/** The user's choices for all torrents: those in force, and the part of them that is kept. */
export class ProcessChoices {
  /** The choices in force, which each torrent may overrule. */
  readonly policy: Policy;
  /** How fast the whole process may move bytes. */
  readonly limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
  /** The choices that hold for later runs too. */
  readonly #kept: Policy;
  readonly #configured: Changes;
  readonly #state: KeptState;
  readonly #saves = new LatestSave(() => this.#state.saveChoices(this.#kept.own));
  /** What the schedule said at the last look; the user may have said otherwise since. Undefined where there is none. */
  #isScheduled: boolean | undefined;

  constructor(
    { choices: commandLine, configured }: Pick<SessionOptions, "choices" | "configured">,
    state: KeptState,
    { now, wallClock }: Pick<Surroundings, "now" | "wallClock">,
  ) {
    this.#configured = configured.choices;
    this.#state = state;
    this.#kept = new Policy(DEFAULT_CHOICES, state.choices);
    const chosen = inForce({ commandLine, kept: state.choices, file: configured.choices });
    this.policy = new Policy(DEFAULT_CHOICES, chosen);
    this.limits = { upload: new RateLimiter(Infinity, now), download: new RateLimiter(Infinity, now) };
    this.look(wallClock());
    this.#applyLimits();
  }

  /** All choices in force. */
  get inForce(): Choices {
    return { ...DEFAULT_CHOICES, ...this.policy.own };
  }

  /**
   * Changes choices at once; resolves when the change is kept. A member that is undefined returns to the setting of
   * `peer.toml` or the default. Errors: `RangeError`, and then nothing has changed; `StorageError`.
   */
  async choose(choices: Changes): Promise<void> {
    const configured = new Map(Object.entries(this.#configured));
    const chosen = Object.entries(choices).map(([name, value]) => [name, value ?? configured.get(name)]);
    this.policy.change(Object.fromEntries(chosen));
    this.#kept.change(choices);
    if ("altSchedule" in choices) this.#isScheduled = undefined;
    this.#applyLimits();
    await this.#saves.save();
  }

  /** Looks at the clock on the wall (ms since 1970): the schedule turns the alternative limits on and off. */
  look(wallClock: number): void {
    const { altSchedule } = this.policy;
    const isScheduled = altSchedule === "none" ? undefined : isWithin(altSchedule, timeOfWeek(wallClock));
    if (isScheduled === this.#isScheduled) return;
    this.#isScheduled = isScheduled;
    if (isScheduled === undefined) return;
    this.policy.change({ altIsOn: isScheduled });
    this.#applyLimits();
  }

  #applyLimits(): void {
    const { altIsOn, altMaxUpload, altMaxDownload, maxUpload, maxDownload } = this.policy;
    this.limits.upload.rate = altIsOn ? altMaxUpload : maxUpload;
    this.limits.download.rate = altIsOn ? altMaxDownload : maxDownload;
  }

  /** Resolves when no save is under way. Never rejects. */
  get settled(): Promise<void> {
    return this.#saves.settled();
  }
}
