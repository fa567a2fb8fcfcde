/** Transmission's RPC over a session, behind one URL: the handshake by session id, the body, the compressed answer. */
import { isSame } from "../access/access.ts";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { RPC } from "../../settings.ts";
import type { RpcContext, RpcOptions } from "./call.ts";
import { answerAll, errorEnvelope } from "./envelopes.ts";
import { type Json, parseJson } from "./json.ts";
import { RememberedLimits } from "./limits.ts";
import { RpcError } from "./rpc_error.ts";
import type { RpcSession } from "./session_port.ts";
import { RecentTorrents } from "./torrent_choice.ts";
import { type Result, textOf } from "./writing.ts";
import { TorrentMemories } from "./fields/torrent_look.ts";

export type { RpcOptions } from "./call.ts";

const SESSION_ID = "X-Transmission-Session-Id";
const RPC_VERSION = "X-Transmission-Rpc-Version";
/** The least effort: most of what can be saved is saved by it, in a third of the time. */
const COMPRESSION = { level: constants.Z_BEST_SPEED };

const compressed = promisify(gzip) as (bytes: Uint8Array, options: typeof COMPRESSION) => Promise<Uint8Array>;

/**
 * The RPC of Transmission for one session. Its caller has checked access, host and origin before, and has limited the
 * body to `RPC.maxBodyBytes`.
 */
export class TransmissionRpc {
  readonly #context: RpcContext;

  constructor(session: RpcSession, options: RpcOptions) {
    this.#context = {
      session,
      options,
      home: session.process().home,
      sessionId: crypto.getRandomValues(new Uint8Array(RPC.sessionIdBytes)).toHex(),
      recent: new RecentTorrents(() => performance.timeOrigin + performance.now()),
      memories: new TorrentMemories(),
      limits: new RememberedLimits(),
    };
  }

  /**
   * Answers a request, whatever its path; `body` is its body where it was read already. One without the present session id is refused with that id, which pages of
   * other sites cannot read. Errors: those that are a fault of ours.
   */
  async answer(request: Request, body?: Uint8Array): Promise<Response> {
    const { sessionId } = this.#context;
    if (!isSame(request.headers.get(SESSION_ID) ?? "", sessionId)) {
      return new Response(`409: Conflict\n${SESSION_ID}: ${sessionId}\n`, {
        status: 409,
        headers: {
          "Content-Type": "text/plain; charset=UTF-8",
          "Cache-Control": "no-store",
          [SESSION_ID]: sessionId,
          [RPC_VERSION]: RPC.semver,
        },
      });
    }
    if (request.method !== "POST") {
      return new Response("405: Method Not Allowed\n", { status: 405, headers: { Allow: "POST" } });
    }
    const answer = await this.#answerTo(body ?? await request.bytes());
    if (answer === undefined) return new Response(null, { status: 204 });
    return await replyOf(answer, acceptsGzip(request.headers));
  }

  /** The answer to a body; undefined where there is none. */
  async #answerTo(body: Uint8Array): Promise<Result | undefined> {
    let json: Json;
    try {
      json = parseJson(body);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return errorEnvelope(null, error);
    }
    return await answerAll(json, this.#context);
  }
}

async function replyOf(answer: Result, isCompressed: boolean): Promise<Response> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json; charset=UTF-8",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
  };
  let bytes: Uint8Array = new TextEncoder().encode(textOf(answer));
  if (isCompressed && bytes.length >= RPC.compressFromBytes) {
    bytes = await compressed(bytes, COMPRESSION);
    headers["Content-Encoding"] = "gzip";
  }
  return new Response(bytes as Uint8Array<ArrayBuffer>, { headers });
}

/** Whether a client takes answers compressed by gzip (RFC 9110, 12.5.3). */
function acceptsGzip(headers: Headers): boolean {
  const codings = (headers.get("Accept-Encoding") ?? "").toLowerCase().split(",");
  return codings.some((coding) => /^\s*(x-)?gzip\s*(;\s*q\s*=\s*(?!0(\.0*)?\s*$).*)?$/.test(coding));
}
