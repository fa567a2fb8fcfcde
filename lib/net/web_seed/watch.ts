import { WEB_SEED } from "../../settings.ts";
import { ReplyError } from "./web_server.ts";

/** Ends requests when the caller aborts, or when nothing happened for too long. Dispose of it after each read. */
export class Watch {
  readonly #outer: AbortSignal;
  readonly #end: (reason: unknown) => void;
  readonly #pass = () => this.#end(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `end` gets the reason, at most once in each of the two cases. */
  constructor(outer: AbortSignal, end: (reason: unknown) => void) {
    this.#outer = outer;
    this.#end = end;
    outer.addEventListener("abort", this.#pass);
    this.touch();
  }

  /** Starts the time limit again, as something happened. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end(new ReplyError(`Nothing came for ${WEB_SEED.stallTimeoutMs / 1000} seconds`, false));
    }, WEB_SEED.stallTimeoutMs);
  }

  /** Ends the watch, as nothing is awaited now. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#pass);
  }
}
