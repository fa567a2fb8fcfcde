import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { ownPathOf } from "../../protocol/announce_address.ts";
import { PORTS, TRACKER } from "../../settings.ts";
import { HttpServer, type HttpService, listenForHttp, servePaths } from "../http/http_server.ts";
import { TrackerServer, type TrackerServerOptions } from "./tracker_server.ts";
import { UdpTrackerServer } from "./udp_tracker_server.ts";

/** Everything that the embedded tracker needs. */
interface EmbeddedTrackerOptions extends TrackerServerOptions {
  /** Address to listen on; undefined stands for all. */
  readonly host: string | undefined;
  /** Port to listen on; undefined stands for the first free one of `PORTS.tracker`, 0 for any free one. */
  readonly port: number | undefined;
  readonly log: Logger;
  /** Puts what else is served at the port before the tracker. */
  serving(tracker: HttpService): HttpService;
}

/** The tracker inside this process, which serves HTTP and UDP on the same port number. */
export class EmbeddedTracker {
  readonly #http: HttpServer;
  readonly #stopping = new AbortController();
  readonly #serving: Promise<void> | undefined;

  /** Listens at once. Errors: `AddrInUse` "port N is in use", for TCP or for UDP. */
  constructor(options: EmbeddedTrackerOptions) {
    const { host, port, log } = options;
    const server = new TrackerServer(options);
    let udp: UdpTrackerServer | undefined;
    const openBeside = (port: number) => udp = openUdp(port, server, options);
    this.#http = new HttpServer({
      listening: listenForHttp({ host, port, ports: PORTS.tracker, openBeside }),
      service: options.serving(servePaths(server.routes(), ownPathOf)),
      limits: TRACKER,
      log,
    });
    this.#serving = udp?.run(this.#stopping.signal);
  }

  /** The port listened on. */
  get port(): number {
    return this.#http.port;
  }

  /** Stops both servers and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#http.stop(), this.#serving]);
  }
}

/** Opens the UDP side. Where that fails, HTTP serves alone; where the port is busy, both sides try another port. */
function openUdp(
  port: number,
  server: TrackerServer,
  { host, now, log }: EmbeddedTrackerOptions,
): UdpTrackerServer | undefined {
  try {
    return new UdpTrackerServer({ host, port, server, now, log });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    log.warn(`no UDP tracker: ${messageOf(error)}`);
  }
}
