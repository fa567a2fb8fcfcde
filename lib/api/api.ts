import type { Logger } from "../log.ts";
import { type HttpReply, HttpServer, type HttpService, listenForHttp } from "../net/http/http_server.ts";
import { canonicalAddress, scopeOf } from "../protocol/endpoint.ts";
import type { HttpRequest } from "../protocol/http_request.ts";
import type { Session } from "../session/session.ts";
import { API, PORTS } from "../settings.ts";
import { Access, type Need } from "./access.ts";
import { makeApp, type PageFile, PREFIX, RPC_PATHS } from "./app.ts";
import { type ControlDoor, openControlDoor, removeIfThere } from "./control_door.ts";
import { EventFeed } from "./event_feed.ts";
import { METHODS, toReply, toRequest } from "./exchange.ts";
import type { Door } from "./operation.ts";
import { ownPassword, readPassword } from "./password.ts";
import { problemReply } from "./problem.ts";
import { stateOf } from "./state.ts";

/** Where the interface is served, and to whom. */
export interface ApiOptions {
  /** The folder of the session, whose lock the caller holds. */
  readonly home: string;
  /** Address and port for browsers and programs; undefined serves the control socket alone. */
  readonly web: WebAddress | undefined;
  /** The file whose first line is the password; undefined where the user named none. */
  readonly passwordFile: string | undefined;
  readonly log: Logger;
  /** Begins to end the process. */
  readonly stop: () => void;
}

/** Where to listen for browsers and programs. */
export interface WebAddress {
  /** `127.0.0.1` unless the user named another address. */
  readonly host: string;
  /** Undefined stands for the first free port of `PORTS.web`. */
  readonly port: number | undefined;
}

/** Headers of every reply: nothing of ours may be framed, guessed at, kept, or run from elsewhere. */
const GUARDS: readonly (readonly [name: string, value: string])[] = [
  [
    "Content-Security-Policy",
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["X-Frame-Options", "DENY"],
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
];

/** Requests whose body may be a torrent. */
const TORRENT_PATHS: readonly string[] = [`${PREFIX}/torrents`, ...RPC_PATHS];

/** The files of the page by path, which everybody may read: they hold no secret. */
const PAGES: ReadonlyMap<string, PageFile> = new Map();

/** The HTTP interface of a running session: the control socket, and where wanted a port for browsers and programs. */
export class Api {
  readonly #servers: readonly HttpServer[];
  readonly #feed: EventFeed;
  readonly #door: ControlDoor;
  /** URLs without a path at which browsers and programs reach it, such as `http://127.0.0.1:9091`. */
  readonly addresses: readonly string[];
  /** The address of the page with the token of this run; undefined where there is none. Only the user may see it. */
  readonly page: string | undefined;
  /** A password that was made just now and has to be shown to the user; undefined at later starts. */
  readonly newPassword: string | undefined;

  private constructor(
    servers: readonly HttpServer[],
    feed: EventFeed,
    door: ControlDoor,
    shown: Pick<Api, "addresses" | "page" | "newPassword">,
  ) {
    this.#servers = servers;
    this.#feed = feed;
    this.#door = door;
    this.addresses = shown.addresses;
    this.page = shown.page;
    this.newPassword = shown.newPassword;
  }

  /**
   * Begins to serve a session. Where no port was named and all of `PORTS.web` are busy, a warning is logged and only the
   * control socket is served.
   *
   * Errors: `StorageError` for the socket or the password; `AddrInUse`, `AddrNotAvailable` for an address that was named.
   */
  static async start(session: Session, options: ApiOptions): Promise<Api> {
    const { home, web, log } = options;
    await using opened = new AsyncDisposableStack();
    const now = () => Date.now();
    const clock = () => performance.now();
    const feed = new EventFeed({ look: () => stateOf(session, now()), now });
    const app = makeApp({ session, feed, now, stop: options.stop }, PAGES, log);
    const serve = (
      listening: readonly Deno.Listener<Deno.TcpConn | Deno.UnixConn>[],
      door: Door,
      access: Access | undefined,
    ) => {
      const answer = async (request: HttpRequest, body: Uint8Array) =>
        guarded(await toReply(await app.fetch(toRequest(request, body), { door })));
      const server = new HttpServer({ listening, service: serviceOf(answer, access), limits: API, log });
      opened.defer(() => server.stop());
      return server;
    };

    const { password, isNew } = await passwordFor(options);
    const token = newSecret();
    const listening = web && listenOn(web, log);
    const webServer = listening &&
      serve(listening, "web", new Access({ token, password, names: ownNames(), now: clock }));
    const door = await openControlDoor(home, newSecret());
    opened.defer(() => removeIfThere(door.path));
    const doorAccess = door.token === undefined
      ? undefined
      : new Access({ token: door.token, password: undefined, names: [], now: clock });
    const servers = [
      serve(door.listening, "control", doorAccess),
      ...webServer === undefined ? [] : [webServer],
    ];
    const addresses = webServer === undefined ? [] : [urlOf(web!.host, webServer.port)];
    opened.move();
    return new Api(servers, feed, door, {
      addresses,
      page: addresses.length === 0 ? undefined : `${addresses[0]}/#token=${token}`,
      newPassword: isNew ? password : undefined,
    });
  }

  /** Ends all connections and removes the control socket. The caller still holds the lock of `state/`. */
  async stop(): Promise<void> {
    this.#feed.stop();
    await Promise.all(this.#servers.map((server) => server.stop()));
    await removeIfThere(this.#door.path);
  }
}

/** 256 random bits as text. */
function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The password that the options ask for: other machines always need one, programs of this machine only if named. */
async function passwordFor(
  { home, web, passwordFile }: ApiOptions,
): Promise<{ readonly password: string | undefined; readonly isNew: boolean }> {
  if (web === undefined) return { password: undefined, isNew: false };
  if (passwordFile !== undefined) return { password: await readPassword(passwordFile), isNew: false };
  return isLoopback(web.host) ? { password: undefined, isNew: false } : await ownPassword(home);
}

function isLoopback(host: string): boolean {
  const address = canonicalAddress(host);
  return address !== undefined && scopeOf(address) === "loopback";
}

/** Listens where the user said; undefined where the user named no port and none is free. */
function listenOn({ host, port }: WebAddress, log: Logger): Deno.TcpListener[] | undefined {
  try {
    return listenForHttp({ host, port, ports: PORTS.web });
  } catch (error) {
    if (port !== undefined || !(error instanceof Deno.errors.AddrInUse)) throw error;
    log.warn(`no page and no HTTP interface: ${error.message}`);
  }
}

/** The names of this machine on its network, in lower case. */
function ownNames(): string[] {
  const name = Deno.hostname().toLowerCase();
  return [name, `${name}.local`];
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether a request needs a secret: the page and the sign of life do not. */
function needOf({ path }: HttpRequest): Need {
  if (path === "/healthz" || PAGES.has(path)) return "nothing";
  return path.startsWith("/transmission/") ? "basic" : "token";
}

/** Lets in what `access` lets in and what has a bearable body; without `access`, the door itself is guarded. */
function serviceOf(
  answer: (request: HttpRequest, body: Uint8Array) => Promise<HttpReply>,
  access: Access | undefined,
): HttpService {
  return (request, remote) => {
    const refusal = access?.refusal(request, remote, needOf(request)) ?? refusalOfForm(request);
    if (refusal !== undefined) return guarded(refusal);
    return { maxBodyBytes: maxBodyOf(request), answer: (body) => answer(request, body) };
  };
}

function maxBodyOf({ path }: HttpRequest): number {
  return TORRENT_PATHS.includes(path) ? API.maxTorrentBytes : API.maxOrderBytes;
}

function refusalOfForm(request: HttpRequest): HttpReply | undefined {
  const { method, bodyLength } = request;
  if (!METHODS.includes(method)) {
    return problemReply(405, `Expected ${METHODS.join(", ")}, got ${method}`, [[
      "Allow",
      METHODS.join(", "),
    ]]);
  }
  if (bodyLength === undefined) return problemReply(411, "Expected a body whose length is told, got another");
  const most = maxBodyOf(request);
  if (bodyLength > most) {
    return problemReply(413, `Expected a body of at most ${most} bytes, got ${bodyLength}`);
  }
}

function guarded(reply: HttpReply): HttpReply {
  return { ...reply, headers: [...reply.headers ?? [], ...GUARDS] };
}
