/** Trackers of others, and what any tracker says when asked how many peers it knows. */
import { decode, dictionaryIn, isDictionary, numberIn } from "../../lib/protocol/bencode.ts";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import {
  decodeScrapeReply,
  encodeScrapeQuery,
  scrapeUrlOf,
} from "../../lib/protocol/tracker_http_messages.ts";
import { type Availability, findProgram } from "./clients/client.ts";
import { findNodePackage, nodeLaunch } from "./node_packages.ts";
import type { Launch } from "./process.ts";

const POLL_MS = 200;

/** A tracker for one info-hash. */
export interface TrackerJob {
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
  find(): Promise<Availability>;
  prepare(job: TrackerJob): Promise<Launch>;
}

/** opentracker, which tells no version. Debian's tracks only what its list allows. */
export const opentracker: InteropTracker = {
  name: "opentracker",

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
  find: () => findNodePackage("bittorrent-tracker"),
  prepare: (job) => Promise.resolve(nodeLaunch(BITTORRENT_TRACKER_SCRIPT, [JSON.stringify(job)])),
};

/** Waits until the HTTP tracker knows `count` peers of a swarm (BEP 48). Errors: `Error` after `timeoutMs`. */
export async function whenTracked(
  announceUrl: string,
  infoHash: InfoHash,
  count: number,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let known = await trackedPeers(announceUrl, infoHash);
  while (known === undefined || known < count) {
    if (performance.now() > deadline) {
      throw new Error(`Expected ${count} peers at ${announceUrl} within ${timeoutMs / 1000} s, got ${known}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    known = await trackedPeers(announceUrl, infoHash);
  }
}

/** Peers the tracker counts; undefined while it does not answer, or does not know the swarm. */
async function trackedPeers(announceUrl: string, infoHash: InfoHash): Promise<number | undefined> {
  const url = `${scrapeUrlOf(new URL(announceUrl))}?${encodeScrapeQuery([infoHash])}`;
  const reply = await fetch(url).then((response) => response.bytes(), () => undefined);
  const answer = reply && decode(reply);
  const swarms = isDictionary(answer) ? dictionaryIn(answer, "files") : undefined;
  // The only one, whatever its key: bittorrent-tracker answers with the info-hash as if it were text.
  const [counts] = Object.values(swarms ?? {});
  if (!isDictionary(counts)) return undefined;
  return (numberIn(counts, "complete") ?? 0) + (numberIn(counts, "incomplete") ?? 0);
}
