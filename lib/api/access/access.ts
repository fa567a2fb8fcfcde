/** Decides which requests over TCP are answered: a web page of another origin and another user must not steer us. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpReply } from "../../net/http/http_server.ts";
import { canonicalAddress, type Endpoint, scopeOf } from "../../protocol/endpoint.ts";
import { headerLines, type HttpRequest } from "../../protocol/http_request.ts";
import { FailedTries } from "./failed_tries.ts";
import { problemReply } from "../problem.ts";

/** The secrets that open the door, and the names under which this machine is asked. */
interface AccessOptions {
  /** The secret of this run, for the page and for programs that can read it. */
  readonly token: string;
  /** The secret that the user knows; undefined where the token is the only one. */
  readonly password: string | undefined;
  /** Whether clients on this machine may use Transmission's RPC without a secret. */
  readonly isRpcOpen: boolean;
  /** Names of this machine, in lower case, beside `localhost` and every IP address. */
  readonly names: readonly string[];
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Whether a request must show a secret, and how it is asked for one. */
export type Need = "nothing" | "token" | "basic";

/** What a client without a secret is told to use. */
const CHALLENGES = { token: 'Bearer realm="peer"', basic: 'Basic realm="peer", charset="UTF-8"' } as const;

/** Guards what is served over TCP. */
export class Access {
  readonly #options: AccessOptions;
  readonly #tries = new FailedTries();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** The reply that refuses a request; undefined for one that may be answered. */
  refusal(request: HttpRequest, { address }: Endpoint, need: Need): HttpReply | undefined {
    const headers = headersOf(request);
    const hosts = headers.get("host") ?? [];
    if (hosts.length !== 1 || !this.#isOurHost(hosts[0])) {
      return problemReply(421, "Expected an IP address, localhost or this machine's name as host");
    }
    if (!["GET", "HEAD"].includes(request.method) && !isOurOrigin(headers, hosts[0])) {
      return problemReply(403, "Expected an order from our own page, got one from another");
    }
    const isOpen = need === "nothing" || (need === "basic" && this.#options.isRpcOpen && isLoopback(address));
    return isOpen ? undefined : this.#secretRefusal(headers, address, need);
  }

  /** A name that another machine made up could lead a browser here (DNS rebinding); an address cannot. */
  #isOurHost(host: string): boolean {
    const [, name] = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host.toLowerCase()) ?? [];
    if (name === undefined) return false;
    return name === "localhost" || this.#options.names.includes(name) || canonicalAddress(name) !== undefined;
  }

  #secretRefusal(
    headers: ReadonlyMap<string, readonly string[]>,
    address: string,
    need: keyof typeof CHALLENGES,
  ): HttpReply | undefined {
    const { token, password, now } = this.#options;
    const [shown] = (headers.get("authorization") ?? []).map(secretIn);
    if (shown === undefined) return this.#ask(need, "Expected a token or the password, got none");
    // Nobody can guess the token: whoever shows it has it, and an outdated one is no attack.
    if (isSame(shown.secret, token)) return undefined;
    if (shown.isToken) return this.#ask(need, "Expected the token of this run, got another");
    const wait = this.#tries.waitOf(address, now());
    if (wait > 0) {
      const seconds = Math.ceil(wait / 1_000);
      const detail = `Too many wrong passwords from ${address}; try again in ${seconds} s`;
      return problemReply(429, detail, [["Retry-After", `${seconds}`]]);
    }
    if (password !== undefined && isSame(shown.secret, password)) {
      this.#tries.forgive(address);
      return undefined;
    }
    this.#tries.note(address, now());
    return this.#ask(need, "Expected the right password, got another");
  }

  #ask(need: keyof typeof CHALLENGES, detail: string): HttpReply {
    return problemReply(401, detail, [["WWW-Authenticate", CHALLENGES[need]]]);
  }
}

/** Whether an address in any spelling is one of this machine alone. */
export function isLoopback(host: string): boolean {
  const address = canonicalAddress(host);
  return address !== undefined && scopeOf(address) === "loopback";
}

/** Whether two secrets are equal; the time that it takes tells nothing about where they differ. */
export function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Values of headers by lower-case name. */
function headersOf(request: HttpRequest): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const [name, value] of headerLines(request)) {
    headers.set(name, [...headers.get(name) ?? [], value]);
  }
  return headers;
}

/** Browsers name the page that gives an order; other programs do not, and have to show the secret anyway. */
function isOurOrigin(headers: ReadonlyMap<string, readonly string[]>, host: string): boolean {
  const origins = headers.get("origin") ?? [];
  const sites = headers.get("sec-fetch-site") ?? [];
  return origins.every((origin) => origin.toLowerCase() === `http://${host.toLowerCase()}`) &&
    sites.every((site) => site === "same-origin" || site === "none");
}

/** A secret that a client shows. */
interface Shown {
  readonly secret: string;
  /** Whether it can only be the token. */
  readonly isToken: boolean;
}

/** The secret in `Authorization`: the token (Bearer) or the password behind any user name (Basic), if any. */
function secretIn(authorization: string): Shown | undefined {
  const [, scheme, credentials] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
  switch (scheme?.toLowerCase()) {
    case "bearer":
      return { secret: credentials, isToken: true };
    case "basic": {
      const secret = passwordIn(credentials);
      return secret === undefined ? undefined : { secret, isToken: false };
    }
  }
}

function passwordIn(credentials: string): string | undefined {
  try {
    const bytes = Uint8Array.fromBase64(credentials);
    const text = new TextDecoder().decode(bytes);
    return text.slice(text.indexOf(":") + 1);
  } catch {
    return undefined;
  }
}
