import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { PORTS } from "../../settings.ts";
import { HttpServer } from "../http/http_server.ts";
import { TrackerServer, type TrackerServerOptions } from "./tracker_server.ts";
import { UdpTrackerServer } from "./udp_tracker_server.ts";

/** What the embedded tracker is built from. */
export interface EmbeddedTrackerOptions extends TrackerServerOptions {
  /** Address to listen on; undefined: all. */
  readonly host: string | undefined;
  /** Undefined: the first free one of `PORTS.tracker`; 0: any free one. */
  readonly port: number | undefined;
  readonly log: Logger;
}

/** The tracker inside this process: by HTTP, and by UDP on the same port number. */
export class EmbeddedTracker {
  readonly #http: HttpServer;
  readonly #stopping = new AbortController();
  readonly #serving: Promise<void>;

  /** Listens at once. Errors: `Error` "port N is in use". */
  constructor(options: EmbeddedTrackerOptions) {
    const { host, port, log } = options;
    this.#http = new HttpServer({ host, port, ports: PORTS.tracker, log });
    const server = new TrackerServer(options);
    this.#http.addRoutes(server.routes());
    this.#serving = this.#serveUdp(server, options);
  }

  /** The port listened on. */
  get port(): number {
    return this.#http.port;
  }

  /** Stops both and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#http.stop(), this.#serving]);
  }

  /** Whoever asks by HTTP is served all the same where this fails. */
  async #serveUdp(server: TrackerServer, { host, now, log }: EmbeddedTrackerOptions): Promise<void> {
    try {
      const udp = new UdpTrackerServer({ host, port: this.port, server, now, log });
      await udp.run(this.#stopping.signal);
    } catch (error) {
      log.warn(`no UDP tracker: ${messageOf(error)}`);
    }
  }
}
