import { messageOf } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { printable } from "../../protocol/printable.ts";
import { readRangeReply } from "../../protocol/range_reply.ts";
import { withoutSecrets } from "../../protocol/secrets.ts";
import { WEB_SEED } from "../../settings.ts";
import { type WebSeedRange, WebSeedRanges } from "../../swarm/download/web_seed_ranges.ts";
import { Watch } from "./watch.ts";
import { ReplyError, WebServer } from "./web_server.ts";
import { WebSeedReply } from "./web_seed_reply.ts";

/** Why a web seed could not deliver. */
export interface WebSeedFailure {
  /** For people: without control characters, and without what is secret in a URL. */
  readonly reason: string;
  /** Milliseconds to leave it alone; undefined: for good. */
  readonly retryInMs: number | undefined;
  /** The file that it alone is about, by position: it is not asked for again, the others may be. */
  readonly file?: number;
}

/** How a read is to be done. */
interface ReadOptions {
  /** Bytes from the same place that will be wanted next to each other: so many are asked for at once. */
  readonly runLength?: number;
  /** Hears each time how many bytes came that are not wanted, also none; it may hold up the next ones. */
  came?(skipped: number): Promise<void> | void;
}

/** Characters of a reason, which may quote what the server said. */
const MAX_REASON_LENGTH = 300;

/**
 * A web server that has the files of one torrent (BEP 19).
 *
 * A reply is read as far as its bytes are wanted, and kept open for what is wanted next. So a run of missing pieces is
 * one request, and a server that knows no ranges sends each of its files once. To be closed after use.
 */
export class WebSeed {
  readonly #ranges: WebSeedRanges;
  readonly #metainfo: Metainfo;
  readonly #server: WebServer;
  readonly #lackedFiles = new Set<number>();
  #reply: WebSeedReply | undefined;
  /** Ends the request that is under way. */
  #abort = new AbortController();
  #retryMs: number = WEB_SEED.retryMs;
  #hasGiven = false;
  #sendsWholeFiles = false;
  #sendsLess = false;

  /** Pieces that it may have: those of files that it did not turn out to lack. Changes with failures of files. */
  readonly offered: Bitfield;

  /**
   * As `WebSeedRanges`; addresses that `isBlocked` are not asked. Throws `TypeError` for an address that cannot be
   * used.
   */
  constructor(
    base: string,
    metainfo: Metainfo,
    paths: readonly (readonly string[])[],
    isBlocked: (address: string) => boolean,
  ) {
    this.#ranges = new WebSeedRanges(base, metainfo, paths);
    this.#metainfo = metainfo;
    this.#server = new WebServer(isBlocked);
    this.offered = Bitfield.full(metainfo.layout.pieceCount);
  }

  /** Whether it answers a request for a part of a file with the whole file, so that going back is dear. */
  get sendsWholeFiles(): boolean {
    return this.#sendsWholeFiles;
  }

  /** Whether it has sent less than it was asked for. */
  get sendsLess(): boolean {
    return this.#sendsLess;
  }

  /** Closes all connections. What is asked for later opens new ones. */
  close(): void {
    this.#leaveReply();
    this.#server.close();
  }

  /**
   * Fills `target` with `target.length` bytes from `begin` of piece `index` on, also beyond its end.
   *
   * Returns: undefined when all is there (not verified), else why not. Contents of `target` are then undefined.
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
    let file: number | undefined;
    using watch = new Watch(signal, (reason) => this.#abort.abort(reason));
    try {
      const { layout } = this.#metainfo;
      const spans = layout.spans(layout.offsetOf(index) + begin, target.length);
      for (const [position, range] of this.#ranges.of(index, begin, target.length).entries()) {
        const part = target.subarray(range.offset, range.offset + range.length);
        file = spans[position].file;
        if (range.url === undefined) part.fill(0);
        else await this.#read(range, range.url, end - range.offset, part, watch, options);
      }
      this.#retryMs = WEB_SEED.retryMs;
      this.#hasGiven = true;
      return undefined;
    } catch (error) {
      this.#leaveReply();
      this.#server.failed();
      signal.throwIfAborted();
      return this.#failure(error, file);
    }
  }

  #failure(error: unknown, file: number | undefined): WebSeedFailure {
    const reason = withoutSecrets(printable(messageOf(error))).slice(0, MAX_REASON_LENGTH);
    if (error instanceof ReplyError && error.isFinal) {
      if (file === undefined) return { reason, retryInMs: undefined };
      this.#lackedFiles.add(file);
      const { first, last } = this.#metainfo.layout.piecesOf(file) ?? { first: 0, last: -1 };
      for (let index = first; index <= last; index++) this.offered.delete(index);
      const isUseless = this.offered.count === 0 ||
        (!this.#hasGiven && this.#lackedFiles.size >= WEB_SEED.maxLackedFiles);
      return isUseless ? { reason, retryInMs: undefined } : { reason, retryInMs: undefined, file };
    }
    const asked = error instanceof ReplyError ? error.retryAfterMs : 0;
    const retryInMs = Math.min(Math.max(this.#retryMs, asked), WEB_SEED.retryMaxMs);
    this.#retryMs = Math.min(2 * this.#retryMs, WEB_SEED.retryMaxMs);
    return { reason, retryInMs };
  }

  /** Fills `target` with the bytes of a range; `length` of them and of those behind it will be wanted. */
  async #read(
    range: WebSeedRange,
    url: string,
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
      const reply = await this.#replyFor(url, position, length - filled, range.fileLength, watch);
      const count = await reply.read(position, target.subarray(filled), came);
      filled += count;
      if (count > 0 && !reply.isOver) continue;
      if (count > 0) await reply.finish();
      this.#leaveReply();
      this.#requireProgress(reply);
    }
  }

  /** A reply that has ended must have brought something of what was asked for. */
  #requireProgress({ given, isOver, body: { start, end, askedEnd } }: WebSeedReply): void {
    if (isOver && end >= askedEnd) return;
    if (given < WEB_SEED.minAnswerBytes) {
      throw new ReplyError(`Expected ${Math.max(end, askedEnd) - start} bytes, got ${given}`, false);
    }
    this.#sendsLess = true;
  }

  /** The reply that is being read where it leads to `position`, else a new one. */
  async #replyFor(
    url: string,
    position: number,
    length: number,
    fileLength: number,
    watch: Watch,
  ): Promise<WebSeedReply> {
    const maxSkipped = this.#sendsWholeFiles ? Infinity : WEB_SEED.maxSkippedBytes;
    if (this.#reply?.leadsTo(url, position, maxSkipped)) return this.#reply;
    this.#leaveReply();
    const abort = this.#abort = new AbortController();
    const askedEnd = Math.min(position + length, fileLength);
    const headers = { "Range": `bytes=${position}-${askedEnd - 1}` };
    const response = await this.#server.get(new URL(url), headers, abort.signal);
    watch.touch();
    const asked = { position, length: askedEnd - position, fileLength };
    const part = readRangeReply(response.status, (name) => response.headers.get(name), asked);
    if ("isFinal" in part) {
      await response.body?.cancel().catch(() => {});
      throw new ReplyError(part.reason, part.isFinal, part.retryAfterMs);
    }
    if (response.status === 200) this.#sendsWholeFiles = true;
    return this.#reply = new WebSeedReply({ url, response, ...part, askedEnd, abort });
  }

  #leaveReply(): void {
    this.#reply?.cancel();
    this.#reply = undefined;
  }
}
