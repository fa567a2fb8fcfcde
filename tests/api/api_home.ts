/** A session with its HTTP interface, in this process. */
import assert from "node:assert/strict";
import { Api, type ApiOptions } from "../../lib/api/api.ts";
import { ControlClient } from "../../lib/api/client.ts";
import { createLogger } from "../../lib/log.ts";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import { TestSession } from "../harness/sessions/test_session.ts";

/** A session with its interface on any port of 127.0.0.1, a client of its control socket, and what it logged. */
export class ApiHome implements AsyncDisposable {
  readonly test: TestSession;
  #api: Api | undefined;
  #client: ControlClient | undefined;
  readonly log: string[] = [];
  /** How often the interface asked to end the process. */
  stops = 0;

  private constructor(test: TestSession) {
    this.test = test;
  }

  static async start(changes: Partial<ApiOptions> = {}): Promise<ApiHome> {
    const home = new ApiHome(await TestSession.start());
    await home.restart(changes);
    return home;
  }

  /** Serves the same session anew. */
  async restart(changes: Partial<ApiOptions>): Promise<void> {
    await this.stop();
    this.#api = await Api.start(this.test.session, {
      home: this.test.home,
      web: { host: "127.0.0.1", port: 0 },
      passwordFile: undefined,
      isRpcOpen: false,
      outputFolders: [],
      log: createLogger("debug", (line) => this.log.push(line)),
      stop: () => this.stops++,
      ...changes,
    });
    this.#client = await ControlClient.open(changes.home ?? this.test.home);
  }

  /** Ends the interface; the session goes on. */
  async stop(): Promise<void> {
    this.#client?.close();
    await this.#api?.stop();
    this.#client = this.#api = undefined;
  }

  get api(): Api {
    return this.#api!;
  }

  get client(): ControlClient {
    return this.#client!;
  }

  /** Where the web is served, such as `http://127.0.0.1:40000`. */
  get url(): string {
    const [url] = this.api.addresses;
    assert.ok(url !== undefined);
    return url;
  }

  /** The token in the address of the page. */
  get token(): string {
    return this.api.page!.split("#token=")[1];
  }

  /** Sends a request over TCP as it stands, lines ended by `\n`, and returns status and whole text of the answer. */
  async raw(request: string): Promise<{ readonly status: number; readonly text: string }> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(this.url).port) });
    try {
      await connection.write(toUtf8(request.replaceAll(/\r?\n/g, "\r\n")));
      const text = await new Response(connection.readable).text();
      return { status: Number(text.split(" ", 2)[1]), text };
    } finally {
      try {
        connection.close();
      } catch { /* The stream has closed it. */ }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.test[Symbol.asyncDispose]();
  }
}
