/** The other end of the control socket: how one process of a home steers the one that runs there. */
import { readControlToken, socketPath, tokenFilePath } from "./access/control_place.ts";
import { readEvents } from "./event_reader.ts";
import type { JsonObject } from "./merge_patch.ts";

/** No process runs in this home. */
export class NobodyRunsError extends Error {
  override readonly name = "NobodyRunsError";
}

/** The running process refused; the message is one line for the user. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** The HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One server-sent event. */
interface FeedEvent {
  /** `state` has the whole state, `delta` a change of it. */
  readonly event: "state" | "delta";
  readonly data: JsonObject;
}

/** Steers the process that runs in a home. The caller closes it. */
export class ControlClient implements Disposable {
  readonly #client: Deno.HttpClient | undefined;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(base: string, client: Deno.HttpClient | undefined, token?: string) {
    this.#base = base;
    this.#client = client;
    this.#headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  }

  /** Finds the process that runs in `home`. Errors: `NobodyRunsError`; `PermissionDenied` for another user's home. */
  static async open(home: string): Promise<ControlClient> {
    const client = await ControlClient.#find(home);
    try {
      await client?.request("/healthz");
      if (client !== undefined) return client;
    } catch (error) {
      client?.close();
      if (!(error instanceof TypeError)) throw error;
      // Only the words of the cause tell that the socket is another user's.
      if (/Permission denied/.test(`${error.message} ${error.cause}`)) {
        throw new Deno.errors.PermissionDenied(`${home} belongs to another user`, { cause: error });
      }
    }
    throw new NobodyRunsError(`no peer is running in ${home}`);
  }

  /** The process may use either way, as it may know the home by a longer path. */
  static async #find(home: string): Promise<ControlClient | undefined> {
    const path = socketPath(home);
    if (path !== undefined && await Deno.lstat(path).then(() => true, isMissing)) {
      const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
      return new ControlClient("http://localhost", client);
    }
    const text = await Deno.readTextFile(tokenFilePath(home)).catch(isMissing);
    const place = text === false ? undefined : readControlToken(text);
    return place && new ControlClient(`http://127.0.0.1:${place.port}`, undefined, place.token);
  }

  /** Asks for JSON; `path` is below `/api/v1`. Errors: `RefusedError`; `TypeError` when the process has ended. */
  async get(path: string): Promise<JsonObject> {
    const ask = () => this.request(`/api/v1${path}`);
    // The process may close a connection that was idle for long at the moment at which it is used again.
    const response = await ask().catch((error) => error instanceof TypeError ? ask() : Promise.reject(error));
    return await response.json();
  }

  /** Gives an order. Errors: as `get`. */
  async post(path: string, body: object = {}): Promise<JsonObject> {
    const headers = { "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return await (await this.request(`/api/v1${path}`, init)).json();
  }

  /** Events after the one with the number `last`, or from the whole state on, until the process or `signal` ends. */
  async *events(last?: number, signal?: AbortSignal): AsyncGenerator<FeedEvent> {
    const headers: Record<string, string> = last === undefined ? {} : { "Last-Event-ID": `${last}` };
    const response = await this.request("/api/v1/events", { headers, signal: signal ?? null });
    const parts = response.body!.pipeThrough(new TextDecoderStream());
    for await (const { event, data } of readEvents(parts)) {
      if (event === "state" || event === "delta") yield { event, data: JSON.parse(data) };
    }
  }

  /** Makes one request. Errors: as `get`. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const client = this.#client;
    const response = await fetch(this.#base + path, {
      ...init,
      headers: { ...this.#headers, ...init.headers as Record<string, string> },
      ...(client === undefined ? {} : { client }),
    });
    if (response.ok) return response;
    throw new RefusedError(response.status, await detailOf(response));
  }

  /** Ends its connections. */
  close(): void {
    this.#client?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** False for a file that is not there; other errors go on. */
function isMissing(error: unknown): false {
  if (error instanceof Deno.errors.NotFound) return false;
  throw error;
}

async function detailOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return String(JSON.parse(text).detail);
  } catch {
    return `status ${response.status}`;
  }
}
