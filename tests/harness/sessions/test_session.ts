/** Whole sessions inside the test's own process, each in a temporary folder. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createLogger } from "../../../lib/log.ts";
import { EVERYTHING } from "../../../lib/swarm/download/file_selection.ts";
import { encodeMetainfo, type Metainfo } from "../../../lib/protocol/metainfo.ts";
import {
  defaultOptions,
  Session,
  type SessionEvent,
  type SessionOptions,
} from "../../../lib/session/session.ts";
import { metainfoOf } from "../data/torrents.ts";

/** Data to share, and its torrent. */
export interface Shared {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly metainfo: Metainfo;
}

/** `length` bytes that look random, as one file in pieces of 16 KiB. */
export function sharedData(length: number): Shared {
  const data = new Uint8Array(length).map((_, i) => Math.imul(i, i + 7) >> 5);
  return { data, metainfo: metainfoOf(data, 16_384) };
}

/** How long a test waits for an event before it fails. */
const PATIENCE_MS = 20_000;

/** A session that listens on 127.0.0.1 and any port, without a tracker unless told so, and what it reports. */
export class TestSession implements AsyncDisposable {
  readonly session: Session;
  readonly home: string;
  readonly events: readonly SessionEvent[];
  /** Lines of its log, down to debug. */
  readonly log: readonly string[];
  readonly #waiting: Set<() => void>;

  private constructor(
    session: Session,
    parts: Pick<TestSession, "home" | "events" | "log">,
    waiting: Set<() => void>,
  ) {
    this.session = session;
    this.home = parts.home;
    this.events = parts.events;
    this.log = parts.log;
    this.#waiting = waiting;
  }

  static async start(changes: Partial<SessionOptions> = {}): Promise<TestSession> {
    const home = await Deno.makeTempDir();
    const events: SessionEvent[] = [];
    const log: string[] = [];
    const waiting = new Set<() => void>();
    const session = await Session.start({
      ...defaultOptions(home),
      host: "127.0.0.1",
      port: 0,
      trackerPort: 0,
      runTracker: false,
      localDiscovery: false,
      files: EVERYTHING,
      log: createLogger("debug", (line) => log.push(line)),
      observe: (event) => {
        events.push(event);
        for (const look of waiting) look();
      },
      ...changes,
    });
    return new TestSession(session, { home, events, log }, waiting);
  }

  /** Port of its embedded tracker. Errors: fails the test when it runs none. */
  get trackerPort(): number {
    const port = this.events.flatMap((event) => event.event === "ready" ? event.trackerPort ?? [] : [])[0];
    assert.ok(port !== undefined);
    return port;
  }

  /** Joins the swarm with all data; `announce` are announce URLs. */
  async seed(shared: Shared, announce: readonly string[] = []): Promise<void> {
    await Deno.writeFile(join(this.home, "shareable", shared.metainfo.name), shared.data);
    await this.leech(shared, [], announce);
  }

  /** Joins the swarm and dials `peers`, each `host:port`. */
  async leech(shared: Shared, peers: readonly string[], announce: readonly string[] = []): Promise<void> {
    const path = join(this.home, "torrents", `${shared.metainfo.infoHash}.torrent`);
    const announceTiers = announce.map((url) => [url]);
    await Deno.writeFile(path, encodeMetainfo(shared.metainfo.rawInfo, { announceTiers }));
    await this.session.add(path, peers);
  }

  /** The first event of this name, past or to come. Errors: fails the test when it does not come. */
  async whenEvent<Name extends SessionEvent["event"]>(
    name: Name,
  ): Promise<Extract<SessionEvent, { event: Name }>> {
    const find = () => this.events.find(({ event }) => event === name);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => find() !== undefined && resolve();
    const timer = setTimeout(
      () => reject(new Error(`Expected "${name}", got\n${this.log.join("\n")}`)),
      PATIENCE_MS,
    );
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
    return find() as Extract<SessionEvent, { event: Name }>;
  }

  /** Waits until all data has come and compares it. */
  async completes(shared: Shared): Promise<void> {
    const { path } = await this.whenEvent("complete");
    assert.deepEqual(new Uint8Array(await Deno.readFile(path)), shared.data);
  }

  /** Waits until so many lines of the log match. Errors: fails the test when they do not. */
  async whenLogged(pattern: RegExp, count = 1): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (this.log.filter((line) => pattern.test(line)).length < count) {
      if (performance.now() > deadline) {
        throw new Error(`Expected ${pattern}, got\n${this.log.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.stop();
    await Deno.remove(this.home, { recursive: true });
  }
}
