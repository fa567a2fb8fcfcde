import { type InfoHash, parseInfoHash } from "../../protocol/info_hash.ts";
import { TORRENT_SERVING } from "../../settings.ts";
import { Allowance } from "../../swarm/peers/allowance.ts";
import type { HttpReply, HttpService } from "../http/http_server.ts";

/** A `.torrent` file of a torrent that may be handed out, as somebody at `address` needs it; undefined for another. */
type TorrentFileOf = (infoHash: InfoHash, address: string) => Uint8Array | undefined;

/**
 * Serves `GET /torrent/HASH.torrent`, and leaves all other requests to `otherwise`.
 *
 * The torrent has the announce tiers that work today. All readers together get so many bytes a second, as a torrent may
 * be large; `now` is a monotonic clock in ms.
 */
export function servingTorrents(
  torrentFileOf: TorrentFileOf,
  otherwise: HttpService,
  now: () => number,
): HttpService {
  const allowance = new Allowance(TORRENT_SERVING);
  const answer = (infoHash: InfoHash, address: string): HttpReply => {
    const file = torrentFileOf(infoHash, address);
    if (file === undefined || file.length > TORRENT_SERVING.burst) return { status: 404 };
    if (!allowance.take(now(), file.length)) return { status: 503, headers: [["Retry-After", "1"]] };
    return { status: 200, headers: [["Content-Type", "application/x-bittorrent"]], body: file };
  };
  return (request, remote) => {
    const infoHash = parseInfoHash(/^\/torrent\/([^/]*)\.torrent$/.exec(request.path)?.[1] ?? "");
    if (infoHash === undefined) return otherwise(request, remote);
    if (request.method !== "GET") return { status: 405, headers: [["Allow", "GET"]] };
    return answer(infoHash, remote.address);
  };
}
