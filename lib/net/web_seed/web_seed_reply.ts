import { ReplyError } from "./web_server.ts";

/** The response that a `WebSeedReply` reads. */
interface ReplyBody {
  /** Position of the file or piece that the reply is about. */
  readonly part: number;
  readonly response: Response;
  /** The bytes of the part that the body should contain, from `start` to before `end`. */
  readonly start: number;
  readonly end: number;
  /** End, excluded, of the range of the part that the request asked for. */
  readonly askedEnd: number;
  /** Ends the request. */
  readonly abort: AbortController;
}

/** A reply that is read step by step, as far as its bytes are wanted. Positions are bytes of the part. */
export class WebSeedReply {
  readonly body: ReplyBody;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Bytes that have arrived and are not read yet. */
  #rest: Uint8Array = new Uint8Array();
  #position: number;
  /** Number of wanted bytes that were read. */
  #given = 0;

  constructor(body: ReplyBody) {
    this.body = body;
    this.#position = body.start;
    this.#reader = body.response.body?.getReader();
  }

  /** Number of wanted bytes that were read so far. */
  get given(): number {
    return this.#given;
  }

  /** Whether all bytes up to `end` were read. */
  get isOver(): boolean {
    return this.#position >= this.body.end;
  }

  /** Whether the reply reaches `position` of a part after at most `maxSkipped` other bytes. */
  leadsTo(part: number, position: number, maxSkipped: number): boolean {
    const gap = position - this.#position;
    return part === this.body.part && position < this.body.end && gap >= 0 && gap <= maxSkipped;
  }

  /**
   * Reads some bytes from `position` on, to which the reply must lead, into `target`, and returns their number; 0 when
   * the reply ended too early. `came` is called when bytes have arrived, with the number of unwanted ones.
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

  /** Waits for more bytes; false at the end. A broken connection also counts as the end. */
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

  /** Reads the end, so that the connection can be used again. Errors: `ReplyError` where too many bytes come. */
  async finish(): Promise<void> {
    if (this.#rest.length === 0 && !await this.#fetchMore()) return;
    while (this.#rest.length === 0) if (!await this.#fetchMore()) return;
    throw new ReplyError(`Expected ${this.body.end - this.body.start} bytes, got more`, true);
  }

  /** Ends the request without reading the rest. */
  cancel(): void {
    this.body.abort.abort(new ReplyError("Its rest is not wanted", false));
    this.#reader?.cancel().catch(() => {});
  }
}
