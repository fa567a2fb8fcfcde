import { ReplyError } from "./web_server.ts";

/** What `WebSeedReply` reads. */
interface ReplyBody {
  /** Which file or piece it is of, by its position. */
  readonly part: number;
  readonly response: Response;
  /** Which bytes of the part the body promises to be, the end excluded. */
  readonly start: number;
  readonly end: number;
  /** Where in the part was asked for, the end excluded. */
  readonly askedEnd: number;
  /** Ends the request. */
  readonly abort: AbortController;
}

/** A reply that is read step by step, as far as somebody wants its bytes. Positions are bytes of the part. */
export class WebSeedReply {
  readonly body: ReplyBody;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** What came and is not read yet. */
  #rest: Uint8Array = new Uint8Array();
  #position: number;
  /** Bytes that somebody wanted. */
  #given = 0;

  constructor(body: ReplyBody) {
    this.body = body;
    this.#position = body.start;
    this.#reader = body.response.body?.getReader();
  }

  /** Bytes of it that were wanted so far. */
  get given(): number {
    return this.#given;
  }

  /** All that it promises was read. */
  get isOver(): boolean {
    return this.#position >= this.body.end;
  }

  /** Whether it comes to `position` of a part, after `maxSkipped` other bytes at most. */
  leadsTo(part: number, position: number, maxSkipped: number): boolean {
    const gap = position - this.#position;
    return part === this.body.part && position < this.body.end && gap >= 0 && gap <= maxSkipped;
  }

  /**
   * Reads some bytes from `position` on, where it leads to, into `target`, and returns how many; 0 when it has ended
   * before its time. `came` hears how many bytes came from the server each time, and how many were not wanted.
   */
  async read(
    position: number,
    target: Uint8Array,
    came: (skipped: number) => Promise<void> | void,
  ): Promise<number> {
    while (true) {
      const skipped = Math.min(position - this.#position, this.#rest.length);
      this.#take(skipped);
      if (this.#rest.length > 0 && this.#position === position) {
        const count = Math.min(this.#rest.length, target.length, this.body.end - position);
        target.set(this.#rest.subarray(0, count));
        this.#take(count);
        this.#given += count;
        if (skipped > 0) await came(skipped);
        return count;
      }
      await came(skipped);
      if (!await this.#fetchMore()) return 0;
    }
  }

  #take(count: number): void {
    this.#rest = this.#rest.subarray(count);
    this.#position += count;
  }

  /** False when there is no more; a connection that breaks is an end as well. */
  async #fetchMore(): Promise<boolean> {
    try {
      const { done, value } = await this.#reader?.read() ?? { done: true, value: undefined };
      if (value !== undefined) this.#rest = value;
      return !done;
    } catch (error) {
      if (this.body.abort.signal.aborted) throw this.body.abort.signal.reason;
      if (this.#given === 0) throw error;
      return false;
    }
  }

  /** Reads the end, so that the connection can be used again. Errors: `ReplyError` where more comes than was promised. */
  async finish(): Promise<void> {
    if (this.#rest.length === 0 && !await this.#fetchMore()) return;
    while (this.#rest.length === 0) if (!await this.#fetchMore()) return;
    throw new ReplyError(`Expected ${this.body.end - this.body.start} bytes, got more`, true);
  }

  /** Leaves the rest. */
  cancel(): void {
    this.body.abort.abort(new ReplyError("Its rest is not wanted", false));
    this.#reader?.cancel().catch(() => {});
  }
}
