import type { Logger } from "../log.ts";
import { HttpServer, type HttpServerOptions, listenForHttp } from "../net/http/http_server.ts";
import type { HttpRequest } from "../protocol/http_request.ts";
import type { Session } from "../session/session.ts";
import { API, PORTS } from "../settings.ts";
import { PAGES } from "../web/pages.ts";
import { Access, isLoopback } from "./access/access.ts";
import { makeApp, PREFIX } from "./app.ts";
import { openControlDoor, removeIfThere } from "./access/control_door.ts";
import { EventFeed } from "./events/event_feed.ts";
import { release, toReply, toRequest } from "./exchange.ts";
import type { Door, WebPlace } from "./operations/operation.ts";
import { ownPassword, type Password, readPassword } from "./access/password.ts";
import { serviceOf } from "./service.ts";
import { ShareJobs } from "./share_jobs.ts";
import { jsonOf, StateView } from "./events/state.ts";

/** Where the interface is served, and to whom. */
export interface ApiOptions {
  /** The folder of the session, whose lock the caller holds. */
  readonly home: string;
  /** Address and port for browsers and programs; undefined serves the control socket alone. */
  readonly web: WebAddress | undefined;
  /** The file whose first line is the password; undefined where the user named none. */
  readonly passwordFile: string | undefined;
  /** Whether clients on this machine need no password for Transmission's RPC. */
  readonly isRpcOpen: boolean;
  /** Absolute paths of folders below which programs on the network may have data put, and share it, beside `shareable/`. */
  readonly outputFolders: readonly string[];
  readonly log: Logger;
  /** Begins to end the process. */
  readonly stop: () => void;
}

/** Where to listen for browsers and programs. */
interface WebAddress {
  /** `127.0.0.1` unless the user named another address. */
  readonly host: string;
  /** Undefined stands for the first free port of `PORTS.web`. */
  readonly port: number | undefined;
}

/** The HTTP interface of a running session: the control socket, and where wanted a port for browsers and programs. */
export class Api {
  /** Closes all that was opened, the last part first. */
  readonly #opened: AsyncDisposableStack;
  readonly #web: WebPlace;
  /** A password that was made just now, for an address that others reach, and has to be shown to the user. */
  readonly newPassword: string | undefined;

  private constructor(opened: AsyncDisposableStack, web: WebPlace, newPassword: string | undefined) {
    this.#opened = opened;
    this.#web = web;
    this.newPassword = newPassword;
  }

  /**
   * Begins to serve a session. Where no port was named and all of `PORTS.web` are busy, a warning is logged and only the
   * control socket is served.
   *
   * Errors: `StorageError` for the socket or the password; `AddrInUse`, `AddrNotAvailable` for an address that was named.
   */
  static async start(session: Session, options: ApiOptions): Promise<Api> {
    const { home, log } = options;
    await using opened = new AsyncDisposableStack();
    const now = () => Date.now();
    const clock = () => performance.now();
    // Pieces may come thousands of times a second, so they are told only while somebody reads.
    let ignorePieces = () => {};
    const watchPieces = () =>
      session.observe((event) => event.event === "piece" && feed.note(jsonOf(event)), true);
    const attended = (isAttended: boolean) => isAttended ? ignorePieces = watchPieces() : ignorePieces();
    const view = new StateView(session, now);
    const feed = new EventFeed({ look: () => view.look(), now, attended });
    opened.defer(() => feed.stop());
    opened.defer(session.observe((event) => event.event === "piece" || feed.note(jsonOf(event))));
    let web: WebPlace = { addresses: [] };
    const { outputFolders, stop } = options;
    const shares = new ShareJobs(session);
    opened.defer(() => shares.stop());
    const app = makeApp({ session, feed, shares, now, outputFolders, web: () => web, stop }, PAGES, log);
    const serve = (listening: HttpServerOptions["listening"], door: Door, access: Access | undefined) => {
      const answer = async (request: HttpRequest, body: Uint8Array<ArrayBuffer>) => {
        const response = await app.fetch(toRequest(request), { door, body });
        // The bytes of a torrent that was taken in are kept; any other body was read and is done with.
        if (!response.ok || request.path !== `${PREFIX}/torrents`) release(body);
        return await toReply(response);
      };
      const server = new HttpServer({ listening, service: serviceOf(answer, access), limits: API, log });
      opened.defer(() => server.stop());
      return server.port;
    };

    let newPassword: string | undefined;
    if (options.web !== undefined) {
      // The password is read first, as it may fail, and then nothing has been opened.
      const { password, isNew } = await passwordFor(home, options.passwordFile);
      const listening = listenOn(options.web, log);
      if (listening !== undefined) {
        const token = newSecret();
        const { isRpcOpen } = options;
        const access = new Access({ token, password, isRpcOpen, names: ownNames(), now: clock });
        const port = serve(listening, "web", access);
        const address = urlOf(options.web.host, port);
        web = { addresses: [address], page: `${address}/#token=${token}`, password };
        if (isNew && !isLoopback(options.web.host)) newPassword = password;
      }
    }
    const door = await openControlDoor(home, newSecret());
    opened.defer(() => removeIfThere(door.path));
    const access = door.token === undefined
      ? undefined
      : new Access({ token: door.token, password: undefined, isRpcOpen: false, names: [], now: clock });
    serve(door.listening, "control", access);
    return new Api(opened.move(), web, newPassword);
  }

  /** URLs without a path at which browsers and programs reach it, such as `http://127.0.0.1:9091`. */
  get addresses(): readonly string[] {
    return this.#web.addresses;
  }

  /** The address of the page with the token of this run; undefined where there is none. Only the user may see it. */
  get page(): string | undefined {
    return this.#web.page;
  }

  /** Ends all connections and removes the control socket. The caller still holds the lock of `state/`. */
  async stop(): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** 256 random bits as text. */
function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The password that the user has put into a file, or else the one of this home. */
async function passwordFor(home: string, file: string | undefined): Promise<Password> {
  return file === undefined ? await ownPassword(home) : { password: await readPassword(file), isNew: false };
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
