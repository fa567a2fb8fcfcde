import { messageOf } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { printable } from "../../protocol/printable.ts";
import type { ReplyPart, ReplyProblem } from "../../protocol/range_reply.ts";
import { withoutSecrets } from "../../protocol/secrets.ts";
import { WEB_SEED } from "../../settings.ts";
import { Watch } from "./watch.ts";
import { RefusedServerError, ReplyError, WebServer } from "./web_server.ts";
import { WebSeedReply } from "./web_seed_reply.ts";

/** A file or a piece that a server lacks, by position: the server is not asked for it again, only for the others. */
type Lack = { readonly file: number } | { readonly piece: number };

/** The reason why a web seed could not deliver. */
export interface WebSeedFailure {
  /** A text for people, without control characters and without the secrets of a URL. */
  readonly reason: string;
  /** Milliseconds to leave the server alone; undefined stands for ever. */
  readonly retryInMs: number | undefined;
  /** The file, where only that file is lacking. */
  readonly file?: number;
  /** The piece, where only that piece is lacking. */
  readonly piece?: number;
}

/** Options of one read. */
interface ReadOptions {
  /** Length of the run of wanted bytes that begins at the same place: one request asks for all of them. */
  readonly runLength?: number;
  /** Called when bytes have arrived, with the number of unwanted ones, which may be 0; it may delay further bytes. */
  came?(skipped: number): Promise<void> | void;
}

/** Longest reason, in characters, as a reason may quote the server. */
const MAX_REASON_LENGTH = 300;

/** A run of bytes of a part (a file or a piece, as the server sends it), and where the run belongs. */
export interface PartRange {
  /** Position of the file or piece. */
  readonly part: number;
  /** The server's address for the part; undefined for padding (BEP 47), which is zero bytes and on no server. */
  readonly url: string | undefined;
  /** Bytes of the whole part. */
  readonly partLength: number;
  /** Where the run starts in the part, in bytes. */
  readonly position: number;
  readonly length: number;
  /** Offset of the run within the bytes that were asked for. */
  readonly offset: number;
}

/** The bytes of a part that one request asks for. */
export interface PartRequest {
  readonly part: number;
  readonly url: URL;
  readonly partLength: number;
  readonly position: number;
  readonly length: number;
  readonly signal: AbortSignal;
}

/** A server's answer, with the bytes of the part that its body holds, or with its fault. */
export interface PartAnswer {
  readonly response: Response;
  readonly content: ReplyPart | ReplyProblem;
}

/**
 * A web server that has the data of one torrent in parts: files (`WebSeed`) or pieces (`HttpSeed`).
 *
 * A reply is read as far as its bytes are wanted, and kept open for the bytes that are wanted next. So a run of missing
 * bytes takes one request, and a server that ignores ranges sends each file once. The caller closes it after use.
 */
export abstract class PartServer {
  readonly #lackedParts = new Set<number>();
  #reply: WebSeedReply | undefined;
  /** Ends the present request. */
  #abort = new AbortController();
  #retryMs: number = WEB_SEED.retryMs;
  #hasGiven = false;
  #sendsLess = false;
  /** Sends the requests. */
  protected readonly server: WebServer;

  /** Pieces that the server may have: all but those of parts that it turned out to lack, so it shrinks over time. */
  readonly offered: Bitfield;

  /** Whether the server answers a request for some bytes with the whole file, so that going back is expensive. */
  sendsWholeFiles = false;

  /** No address for which `isBlocked` returns true is asked. */
  constructor({ layout }: Metainfo, isBlocked: (address: string) => boolean) {
    this.server = new WebServer(isBlocked);
    this.offered = Bitfield.full(layout.pieceCount);
  }

  /** A server that lacks this many parts, and has delivered nothing yet, is given up. */
  protected abstract readonly maxLackedParts: number;

  /** The runs that `length` bytes from `begin` of piece `index` on consist of, in order, without gaps. */
  protected abstract rangesOf(index: number, begin: number, length: number): PartRange[];

  /** Makes one request. Errors: as `WebServer.get`. */
  protected abstract ask(request: PartRequest): Promise<PartAnswer>;

  /** The name of a lacking part for a failure, and the pieces that hold any of it, the last one included. */
  protected abstract lackOf(part: number): { lack: Lack; first: number; last: number };

  /** Whether the server has sent less than a request asked for. */
  get sendsLess(): boolean {
    return this.#sendsLess;
  }

  /** Closes all connections. A later request opens new ones. */
  close(): void {
    this.#leaveReply();
    this.server.close();
  }

  /**
   * Fills `target` with `target.length` bytes from `begin` of piece `index` on, also beyond its end.
   *
   * Returns: undefined when all bytes are there (not verified), else the failure, and `target` has undefined contents.
   * Errors: rejects with the signal's reason when `signal` aborts, and in no other case.
   */
  async fetchRange(
    index: number,
    begin: number,
    target: Uint8Array,
    signal: AbortSignal,
    options: ReadOptions = {},
  ): Promise<WebSeedFailure | undefined> {
    signal.throwIfAborted();
    const end = Math.max(options.runLength ?? 0, target.length);
    let part: number | undefined;
    using watch = new Watch(signal, (reason) => this.#abort.abort(reason));
    try {
      for (const range of this.rangesOf(index, begin, target.length)) {
        const bytes = target.subarray(range.offset, range.offset + range.length);
        part = range.part;
        if (range.url === undefined) bytes.fill(0);
        else await this.#read(range, new URL(range.url), end - range.offset, bytes, watch, options);
      }
      this.#retryMs = WEB_SEED.retryMs;
      this.#hasGiven = true;
      return undefined;
    } catch (error) {
      this.#leaveReply();
      this.server.failed();
      signal.throwIfAborted();
      return this.#failure(error, part);
    }
  }

  #failure(error: unknown, part: number | undefined): WebSeedFailure {
    const reason = withoutSecrets(printable(messageOf(error))).slice(0, MAX_REASON_LENGTH);
    if (error instanceof ReplyError && error.isFinal) {
      if (part === undefined || error instanceof RefusedServerError) return { reason, retryInMs: undefined };
      this.#lackedParts.add(part);
      const { lack, first, last } = this.lackOf(part);
      for (let index = first; index <= last; index++) this.offered.delete(index);
      const isUseless = this.offered.count === 0 ||
        (!this.#hasGiven && this.#lackedParts.size >= this.maxLackedParts);
      return { reason, retryInMs: undefined, ...(isUseless ? {} : lack) };
    }
    return { reason, retryInMs: this.#pauseAfter(error) };
  }

  /** The pause after a failure, in ms: the time that the server asks for, else one that doubles each time. */
  #pauseAfter(error: unknown): number {
    const asked = error instanceof ReplyError ? error.retryAfterMs : 0;
    if (asked > 0) return Math.min(asked, WEB_SEED.retryMaxMs);
    const pause = this.#retryMs;
    this.#retryMs = Math.min(2 * pause, WEB_SEED.retryMaxMs);
    return pause;
  }

  /** Fills `target` with the bytes of a range; `length` bytes from its start on will be wanted. */
  async #read(
    range: PartRange,
    url: URL,
    length: number,
    target: Uint8Array,
    watch: Watch,
    options: ReadOptions,
  ): Promise<void> {
    const came = (skipped: number) => {
      watch.touch();
      return options.came?.(skipped);
    };
    for (let filled = 0; filled < target.length;) {
      const position = range.position + filled;
      const reply = await this.#replyFor(range, url, position, length - filled, watch);
      const count = await reply.read(position, target.subarray(filled), came);
      filled += count;
      if (count > 0 && !reply.isOver) continue;
      if (count > 0) await reply.finish();
      this.#leaveReply();
      this.#requireProgress(reply);
    }
  }

  /** Checks that a reply which has ended brought some of the bytes that were asked for. Errors: `ReplyError`. */
  #requireProgress({ given, isOver, body: { start, end, askedEnd } }: WebSeedReply): void {
    if (isOver && end >= askedEnd) return;
    if (given < WEB_SEED.minAnswerBytes) {
      throw new ReplyError(`Expected ${Math.max(end, askedEnd) - start} bytes, got ${given}`, false);
    }
    this.#sendsLess = true;
  }

  /** The present reply where it leads to `position`, else a new one. */
  async #replyFor(
    { part, partLength }: PartRange,
    url: URL,
    position: number,
    wanted: number,
    watch: Watch,
  ): Promise<WebSeedReply> {
    const maxSkipped = this.sendsWholeFiles ? Infinity : WEB_SEED.maxSkippedBytes;
    if (this.#reply?.leadsTo(part, position, maxSkipped)) return this.#reply;
    this.#leaveReply();
    const abort = this.#abort = new AbortController();
    const length = Math.min(wanted, partLength - position);
    const request = { part, url, partLength, position, length, signal: abort.signal };
    const { response, content } = await this.ask(request);
    watch.touch();
    if ("isFinal" in content) {
      await response.body?.cancel().catch(() => {});
      throw new ReplyError(content.reason, content.isFinal, content.retryAfterMs);
    }
    return this.#reply = new WebSeedReply({
      part,
      response,
      ...content,
      askedEnd: position + length,
      abort,
    });
  }

  #leaveReply(): void {
    this.#reply?.cancel();
    this.#reply = undefined;
  }
}
