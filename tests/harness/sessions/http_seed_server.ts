/** A script on loopback that gives pieces of one torrent (BEP 17), as strictly as the specification is written. */
import assert from "node:assert/strict";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";

/** What was asked of the script. */
export interface AskedPiece {
  readonly piece: number;
  /** First and last byte within the piece. */
  readonly first: number;
  readonly last: number;
  /** What the specification has it answer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly url: URL;
  /** How many requests came, this one included. */
  readonly count: number;
}

/** Answers with `data`, or as `answer` says, until it is disposed of. */
export function serveHttpSeed(
  data: Uint8Array,
  { infoHash, layout }: Metainfo,
  answer: (asked: AskedPiece) => Response | Promise<Response> = ({ bytes }) => new Response(bytes),
) {
  const asked: AskedPiece[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    assert.equal(request.headers.get("range"), null);
    const url = new URL(request.url);
    const query = /[?&]info_hash=((?:%\w\w){20})&piece=(\d+)&ranges=(\d+)-(\d+)$/.exec(url.search);
    if (query === null || query[1].replaceAll("%", "") !== infoHash) {
      return new Response("who?", { status: 400 });
    }
    const [piece, first, last] = query.slice(2).map(Number);
    const start = layout.offsetOf(piece);
    const bytes = data.slice(start + first, start + Math.min(last + 1, layout.lengthOf(piece)));
    asked.push({ piece, first, last, bytes, url, count: asked.length + 1 });
    return answer(asked[asked.length - 1]);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/seed.php`,
    asked: asked as readonly AskedPiece[],
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
