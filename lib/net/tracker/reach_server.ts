import { ProtocolError } from "../../errors.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { encodeReachAnswer, parseReachQuery, type Reach } from "../../protocol/reach_messages.ts";
import { REACH } from "../../settings.ts";
import { Allowances } from "../../swarm/peers/allowance.ts";
import type { HttpReply, HttpService } from "../http/http_server.ts";

/** What the answers need of the process. */
interface ReachContext {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Announces a torrent by multicast once more; whether that is done. */
  readonly announceAgain: (infoHash: InfoHash) => boolean;
  /** Ends dials under way. */
  readonly signal: AbortSignal;
}

/**
 * Serves `GET /reach`, and leaves all other requests to `otherwise`.
 *
 * Only the address that asks is dialled, at the ports that it names, so that nobody can make us dial another machine;
 * and each address may ask a few times a minute.
 */
export function servingReach(context: ReachContext, otherwise: HttpService): HttpService {
  const allowances = new Allowances(REACH.perAsker, REACH.maxAskers);
  let underWay = 0;
  const answer = async (query: string, address: string): Promise<HttpReply> => {
    const { ports, torrent } = parseReachQuery(query);
    const { wallClock, announceAgain, signal } = context;
    const isAnnounced = torrent !== undefined && announceAgain(torrent);
    underWay++;
    try {
      const reaches = ports.map(async (port) => [port, await dial(address, port, signal)] as const);
      const body = encodeReachAnswer({
        ports: new Map(await Promise.all(reaches)),
        isAnnounced,
        time: wallClock(),
      });
      return { status: 200, headers: [["Content-Type", "text/plain"]], body };
    } finally {
      underWay--;
    }
  };
  return (request, remote) => {
    if (request.path !== "/reach") return otherwise(request, remote);
    if (request.method !== "GET") return { status: 405, headers: [["Allow", "GET"]] };
    if (underWay >= REACH.maxUnderWay || !allowances.take(remote.address, context.now())) {
      return { status: 429, headers: [["Retry-After", "30"]] };
    }
    return {
      maxBodyBytes: 0,
      answer: () =>
        answer(request.query, remote.address).catch((error) => {
          if (error instanceof ProtocolError) return { status: 400 };
          throw error;
        }),
    };
  };
}

/** Dials a port, says nothing and hangs up. */
async function dial(hostname: string, port: number, ending: AbortSignal): Promise<Reach> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(REACH.dialTimeoutMs)]);
  try {
    (await Deno.connect({ hostname, port, signal })).close();
    return "open";
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused ? "refused" : "silent";
  }
}
