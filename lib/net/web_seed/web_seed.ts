import { messageOf } from "../../errors.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { printable } from "../../protocol/printable.ts";
import { rangeReplyProblem } from "../../protocol/range_reply.ts";
import { withoutSecrets } from "../../protocol/secrets.ts";
import { VERSION, WEB_SEED } from "../../settings.ts";
import { type WebSeedRange, WebSeedRanges } from "../../swarm/download/web_seed_ranges.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { PinnedClient } from "../http/pinned_client.ts";
import { type Hop, redirectRefusal, webSeedRefusal } from "../http/request_rules.ts";

/** Why a web seed could not deliver. */
export interface WebSeedFailure {
  /** For people: without control characters, and without what is secret in a URL. */
  readonly reason: string;
  /** Milliseconds to leave it alone; undefined: for good. */
  readonly retryInMs: number | undefined;
}

/** Something is wrong with a reply; `isFinal` when it would be wrong again. */
class ReplyError extends Error {
  readonly isFinal: boolean;
  /** As long as the server asked us to stay away, in ms. */
  readonly retryAfterMs: number;

  constructor(message: string, isFinal: boolean, retryAfterMs = 0) {
    super(message);
    this.isFinal = isFinal;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Characters of a reason, which may quote what the server said. */
const MAX_REASON_LENGTH = 300;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * A web server that has the files of one torrent (BEP 19).
 *
 * The torrent tells its address, so it is not trusted: only http and https, and only where `request_rules.ts` lets
 * us. To be closed after use.
 */
export class WebSeed {
  readonly #ranges: WebSeedRanges;
  readonly #isBlocked: (address: string) => boolean;
  /** Where each origin was found, and the client that asks there. */
  readonly #servers = new Map<string, { readonly address: string; readonly client: PinnedClient }>();
  #failures = 0;
  #retryMs: number = WEB_SEED.retryMs;

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
    this.#isBlocked = isBlocked;
  }

  /** Closes idle connections. What is asked for later opens new ones. */
  close(): void {
    for (const { client } of this.#servers.values()) client.close();
    this.#servers.clear();
  }

  /**
   * Fills `target` with `target.length` bytes from `begin` of piece `index`.
   *
   * Returns: undefined when all is there (not verified), else why not. Contents of `target` are then undefined.
   * Errors: rejects with the signal's reason when `signal` aborts, and in no other case.
   */
  async fetchRange(
    index: number,
    begin: number,
    target: Uint8Array,
    signal: AbortSignal,
  ): Promise<WebSeedFailure | undefined> {
    try {
      for (const range of this.#ranges.of(index, begin, target.length)) {
        const part = target.subarray(range.offset, range.offset + range.length);
        if (range.url === undefined) part.fill(0);
        else await this.#fetch(range.url, range, part, signal);
      }
      this.#retryMs = WEB_SEED.retryMs;
      return undefined;
    } catch (error) {
      // Its servers are found anew next time, at the next of their addresses.
      this.close();
      this.#failures++;
      signal.throwIfAborted();
      return this.#failure(error);
    }
  }

  #failure(error: unknown): WebSeedFailure {
    const reason = withoutSecrets(printable(messageOf(error))).slice(0, MAX_REASON_LENGTH);
    if (error instanceof ReplyError && error.isFinal) return { reason, retryInMs: undefined };
    const asked = error instanceof ReplyError ? error.retryAfterMs : 0;
    const retryInMs = Math.min(Math.max(this.#retryMs, asked), WEB_SEED.retryMaxMs);
    this.#retryMs = Math.min(2 * this.#retryMs, WEB_SEED.retryMaxMs);
    return { reason, retryInMs };
  }

  async #fetch(url: string, range: WebSeedRange, target: Uint8Array, signal: AbortSignal): Promise<void> {
    const watch = new Watch(signal);
    try {
      const response = await this.#request(new URL(url), range, watch);
      try {
        const problem = rangeReplyProblem(response.status, (name) => response.headers.get(name), range);
        if (problem !== undefined) {
          throw new ReplyError(problem.reason, problem.isFinal, problem.retryAfterMs);
        }
        await readBody(response, target, watch);
      } catch (error) {
        await response.body?.cancel().catch(() => {});
        throw error;
      }
    } finally {
      watch.end();
    }
  }

  /** Sends the request and follows redirects. */
  async #request(url: URL, range: WebSeedRange, watch: Watch): Promise<Response> {
    let hop = await this.#hopTo(url, watch.signal);
    for (let redirects = 0;; redirects++) {
      const response = await hop.client.fetch(hop.url, {
        redirect: "manual",
        signal: watch.signal,
        headers: {
          "Range": `bytes=${range.position}-${range.position + range.length - 1}`,
          "Accept-Encoding": "identity",
          "User-Agent": `peer/${VERSION}`,
        },
      });
      watch.touch();
      if (!REDIRECTS.includes(response.status)) return response;
      await response.body?.cancel();
      if (redirects >= WEB_SEED.maxRedirects) {
        throw new ReplyError(`Expected at most ${WEB_SEED.maxRedirects} redirects, got more`, true);
      }
      const next = URL.parse(response.headers.get("location") ?? "", hop.url);
      if (next === null || !/^https?:$/.test(next.protocol) || next.username !== "") {
        throw new ReplyError("Expected a redirect to http or https, got another one", true);
      }
      hop = await this.#hopTo(next, watch.signal, hop);
    }
  }

  /** A server that may be asked, and how to reach it. Errors: `ReplyError` when it must not be asked. */
  async #hopTo(url: URL, signal: AbortSignal, from?: Hop): Promise<Hop & { client: PinnedClient }> {
    const known = this.#servers.get(url.origin);
    const addresses = known === undefined ? await addressesOf(url.hostname, signal) : [known.address];
    if (addresses.length === 0) throw new ReplyError("Expected a host with an address, got none", false);
    const hop = { url, address: addresses[this.#failures % addresses.length] };
    const refusal = (from && redirectRefusal(from, hop)) ?? webSeedRefusal(hop);
    if (refusal !== undefined) throw new ReplyError(refusal, true);
    if (this.#isBlocked(hop.address)) throw new ReplyError("Its address is blocked", true);
    // A server could send us to another one with every request.
    if (known === undefined && this.#servers.size >= WEB_SEED.maxServers) this.close();
    const client = known?.client ?? new PinnedClient(hop);
    this.#servers.set(url.origin, { address: hop.address, client });
    return { ...hop, client };
  }
}

async function readBody(response: Response, target: Uint8Array, watch: Watch): Promise<void> {
  let filled = 0;
  for await (const bytes of response.body ?? []) {
    watch.touch();
    if (filled + bytes.length > target.length) {
      throw new ReplyError(`Expected ${target.length} bytes, got more`, true);
    }
    target.set(bytes, filled);
    filled += bytes.length;
  }
  if (filled < target.length) throw new ReplyError(`Expected ${target.length} bytes, got ${filled}`, false);
}

/** Aborts a request when the caller does, or when nothing happened for too long. */
class Watch {
  readonly #abort = new AbortController();
  readonly #outer: AbortSignal;
  readonly #pass = () => this.#abort.abort(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    if (outer.aborted) this.#pass();
    outer.addEventListener("abort", this.#pass);
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Something happened. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () =>
        this.#abort.abort(
          new ReplyError(`Nothing came for ${WEB_SEED.stallTimeoutMs / 1000} seconds`, false),
        ),
      WEB_SEED.stallTimeoutMs,
    );
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#pass);
  }
}
