/** Trackers of others. */
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { type Availability, findProgram } from "./clients/client.ts";
import { findNodePackage, nodeLaunch } from "./node_packages.ts";
import type { Launch } from "../harness/processes/running_process.ts";

/** A tracker for one info-hash. */
interface TrackerJob {
  readonly infoHash: InfoHash;
  /** An empty folder for its settings. */
  readonly home: string;
  /** Listens on this address, HTTP and UDP on the same port. */
  readonly address: string;
  readonly port: number;
}

/** A tracker of somebody else, for HTTP and UDP. */
export interface InteropTracker {
  readonly name: string;
  /** What `require_tool.ts` calls it. */
  readonly needs: string;
  find(): Promise<Availability>;
  prepare(job: TrackerJob): Promise<Launch>;
}

/** opentracker, which tells no version. Debian's tracks only what its list allows. */
export const opentracker: InteropTracker = {
  name: "opentracker",
  needs: "opentracker",

  find: () => findProgram("opentracker", ["-h"], /Usage()/),

  async prepare({ infoHash, home, address, port }) {
    await Deno.writeTextFile(`${home}/allowed`, `${infoHash}\n`);
    const args = ["-i", address, "-p", `${port}`, "-P", `${port}`, "-d", home, "-w", "allowed"];
    return { command: "opentracker", args, cwd: home };
  },
};

const BITTORRENT_TRACKER_SCRIPT = `
import { Server } from "bittorrent-tracker";

const { address, port } = JSON.parse(process.argv[1]);
const server = new Server({ http: true, udp: true, ws: false, stats: false });
server.on("warning", (warning) => console.log(String(warning)));
server.listen(port, { http: address, udp4: address, udp6: "::1" });
`;

/** bittorrent-tracker, of WebTorrent's authors. */
export const bittorrentTracker: InteropTracker = {
  name: "bittorrent-tracker",
  needs: "bittorrent-tracker",
  find: () => findNodePackage("bittorrent-tracker"),
  prepare: (job) => Promise.resolve(nodeLaunch(BITTORRENT_TRACKER_SCRIPT, [JSON.stringify(job)])),
};

/** Every tracker of the matrix. */
export const trackers: readonly InteropTracker[] = [opentracker, bittorrentTracker];
