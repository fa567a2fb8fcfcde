import { announceHost } from "../../protocol/announce_address.ts";
import { ANNOUNCING } from "../../settings.ts";
import { sleep } from "../peers/rate_limiter.ts";

/** One host with trackers of our torrents. */
interface Host {
  /** The time from which each URL may be asked, in ms; the least recently asked URL comes first. */
  readonly urls: Map<string, number>;
  /** When the next new URL of the host may be asked, in ms, if no burst is left. */
  nextAt: number;
}

/**
 * Limits how fast new URLs of one host are asked, for all torrents of the process together: a few torrents with
 * thousands of URLs must not make all peers of a network attack a host. A thousand torrents of one tracker share one
 * URL and are not delayed.
 */
export class UrlPace {
  /** Hosts by name, the least recently asked first. */
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

/** Takes the next place for a new URL of a host, and returns its time in ms. */
function placeIn(host: Host, now: number): number {
  const { newUrlPauseMs, newUrlBurst } = ANNOUNCING;
  const at = Math.max(host.nextAt, now - (newUrlBurst - 1) * newUrlPauseMs);
  host.nextAt = at + newUrlPauseMs;
  return at;
}
