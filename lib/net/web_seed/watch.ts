import { WEB_SEED } from "../../settings.ts";
import { ReplyError } from "./web_server.ts";

/** Ends requests when the caller wants that, or when nothing happened for too long. To be disposed of after each read. */
export class Watch {
  readonly #outer: AbortSignal;
  readonly #end: (reason: unknown) => void;
  readonly #pass = () => this.#end(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `end` hears why, once at most in each of the two cases. */
  constructor(outer: AbortSignal, end: (reason: unknown) => void) {
    this.#outer = outer;
    this.#end = end;
    outer.addEventListener("abort", this.#pass);
    this.touch();
  }

  /** Something happened. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end(new ReplyError(`Nothing came for ${WEB_SEED.stallTimeoutMs / 1000} seconds`, false));
    }, WEB_SEED.stallTimeoutMs);
  }

  /** Nothing is waited for now. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#pass);
  }
}
