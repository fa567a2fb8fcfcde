import { lookup } from "node:dns/promises";
import { messageOf } from "../errors.ts";
import { type AddressScope, canonicalAddress, scopeOf } from "../protocol/endpoint.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { VERSION, WEB_SEED } from "../settings.ts";
import { type WebSeedRange, WebSeedRanges } from "../swarm/web_seed_ranges.ts";

/** Why a web seed could not deliver. */
export interface WebSeedFailure {
  /** For people. */
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

const REDIRECTS = [301, 302, 303, 307, 308];
/** 4xx that may pass: request timeout, too early, too many requests. */
const PASSING = [408, 425, 429];

/** How far away an address is. A redirect never leads closer to this machine. */
const DISTANCE: Record<AddressScope, number> = {
  unusable: -1,
  linkLocal: -1,
  loopback: 0,
  private: 1,
  global: 2,
};

/**
 * A web server that has the files of one torrent (BEP 19).
 *
 * The torrent tells its address, so it is not trusted: only http and https, no link-local address (where clouds
 * keep their secrets), no query to machines on the local network, and no redirect from afar to near.
 */
export class WebSeed {
  readonly #ranges: WebSeedRanges;
  readonly #distances = new Map<string, number>();
  #retryMs: number = WEB_SEED.retryMs;

  /** As `WebSeedRanges`. Throws `TypeError` for an address that cannot be used. */
  constructor(base: string, metainfo: Metainfo, paths: readonly (readonly string[])[]) {
    this.#ranges = new WebSeedRanges(base, metainfo, paths);
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
      signal.throwIfAborted();
      return this.#failure(error);
    }
  }

  #failure(error: unknown): WebSeedFailure {
    const reason = messageOf(error);
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
        checkReply(response, range);
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
  async #request(first: URL, range: WebSeedRange, watch: Watch): Promise<Response> {
    let url = first;
    let distance = await this.#distanceOf(url);
    for (let redirects = 0;; redirects++) {
      const response = await fetch(url, {
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
      const next = URL.parse(response.headers.get("location") ?? "", url);
      if (next === null || !/^https?:$/.test(next.protocol) || next.username !== "") {
        throw new ReplyError("Expected a redirect to http or https, got another one", true);
      }
      const nextDistance = await this.#distanceOf(next);
      if (nextDistance < distance) throw new ReplyError("A redirect leads from afar to near", true);
      [url, distance] = [next, nextDistance];
    }
  }

  /** How far away a server is, by the nearest of its addresses. Errors: `ReplyError` when it must not be asked. */
  async #distanceOf(url: URL): Promise<number> {
    const host = url.hostname;
    const distance = this.#distances.get(host) ?? await nearest(host);
    this.#distances.set(host, distance);
    if (distance < 0) throw new ReplyError(`The address of ${host} must not be asked`, true);
    if (distance < DISTANCE.global && url.search !== "") {
      throw new ReplyError("Expected no query to the local network, got one", true);
    }
    return distance;
  }
}

async function nearest(host: string): Promise<number> {
  const literal = canonicalAddress(host);
  const addresses = literal !== undefined
    ? [literal]
    : (await lookup(host, { all: true })).map(({ address }) => canonicalAddress(address));
  return Math.min(...addresses.map((address) => address === undefined ? -1 : DISTANCE[scopeOf(address)]));
}

/** Errors: `ReplyError` unless the body is going to be exactly the range. */
function checkReply(response: Response, range: WebSeedRange): void {
  const { status, headers } = response;
  const { position, length, fileLength } = range;
  if (status === 200) {
    if (length === fileLength) return;
    throw new ReplyError("Expected a part of the file, got all of it", true);
  }
  if (status !== 206) {
    const isFinal = status < 500 && !PASSING.includes(status);
    throw new ReplyError(`Expected status 206, got ${status}`, isFinal, retryAfterOf(headers));
  }
  const expected = `bytes ${position}-${position + length - 1}/`;
  const got = headers.get("content-range") ?? "none";
  if (got !== `${expected}${fileLength}` && got !== `${expected}*`) {
    throw new ReplyError(`Expected the range ${expected}${fileLength}, got ${got}`, true);
  }
  if (headers.has("content-encoding") && headers.get("content-encoding") !== "identity") {
    throw new ReplyError("Expected plain bytes, got encoded ones", true);
  }
}

/** Milliseconds; 0 when the server does not say, or says it as a date. */
function retryAfterOf(headers: Headers): number {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : 0;
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
