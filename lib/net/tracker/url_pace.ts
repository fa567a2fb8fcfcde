import { announceHost } from "../../protocol/announce_address.ts";
import { ANNOUNCING } from "../../settings.ts";
import { sleep } from "../peers/rate_limiter.ts";

/** One host that trackers of ours are on. */
interface Host {
  /** From when on each URL may be asked, in ms; least recently asked first. */
  readonly urls: Map<string, number>;
  /** When one more new URL of it may be asked, in ms, if none is asked ahead of its time. */
  nextAt: number;
}

/**
 * How fast new URLs of one host are asked, for all torrents of the process together: a handful of torrents with
 * thousands of URLs must not set all peers of a network upon somebody. A thousand torrents of one tracker have one URL,
 * and are not held back.
 */
export class UrlPace {
  /** Least recently asked first. */
  readonly #hosts = new Map<string, Host>();
  readonly #now: () => number;

  /** `now` is a monotonic clock in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves when a URL may be asked. Rejects with the signal's reason when it aborts first. */
  async admit(url: string, signal: AbortSignal): Promise<void> {
    const host = this.#hostOf(url);
    const now = this.#now();
    const at = host.urls.get(url) ?? placeIn(host, now);
    host.urls.delete(url);
    host.urls.set(url, at);
    const [oldest] = host.urls.keys();
    if (host.urls.size > ANNOUNCING.urlsRemembered) host.urls.delete(oldest);
    if (at > now) await sleep(at - now, signal);
  }

  #hostOf(url: string): Host {
    const name = announceHost(url);
    const host = this.#hosts.get(name) ?? { urls: new Map(), nextAt: -Infinity };
    this.#hosts.delete(name);
    this.#hosts.set(name, host);
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > ANNOUNCING.hostsRemembered) this.#hosts.delete(oldest);
    return host;
  }
}

/** When one more new URL of a host may be asked, in ms. */
function placeIn(host: Host, now: number): number {
  const { newUrlPauseMs, newUrlBurst } = ANNOUNCING;
  const at = Math.max(host.nextAt, now - (newUrlBurst - 1) * newUrlPauseMs);
  host.nextAt = at + newUrlPauseMs;
  return at;
}
