/** What our HTTP server does with a request before the application sees it, and with every reply. */
import type { HttpReply, HttpService } from "../net/http/http_server.ts";
import type { HttpRequest } from "../protocol/http_request.ts";
import { API } from "../settings.ts";
import { PAGES } from "../web/pages.ts";
import type { Access, Need } from "./access/access.ts";
import { OLD_PAGE_PATHS, PREFIX, RPC_PATHS } from "./app.ts";
import { METHODS } from "./exchange.ts";
import { problemReply } from "./problem.ts";

/** Headers of every reply: nothing of ours may be framed, guessed at, kept, or run from elsewhere. */
export const GUARDS: readonly (readonly [name: string, value: string])[] = [
  [
    "Content-Security-Policy",
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["X-Frame-Options", "DENY"],
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
];

/** Requests whose body may be a torrent. */
const TORRENT_PATHS: readonly string[] = [`${PREFIX}/torrents`, ...RPC_PATHS];

/** Whether a request needs a secret: the page and the sign of life do not. */
function needOf({ path }: HttpRequest): Need {
  if (path === "/healthz" || PAGES.has(path) || OLD_PAGE_PATHS.includes(path)) return "nothing";
  return path.startsWith("/transmission/") ? "basic" : "token";
}

/** Lets in what `access` lets in and what has a bearable body; without `access`, the door itself is guarded. */
export function serviceOf(
  answer: (request: HttpRequest, body: Uint8Array<ArrayBuffer>) => Promise<HttpReply>,
  access: Access | undefined,
): HttpService {
  return (request, remote) => {
    const refusal = access?.refusal(request, remote, needOf(request)) ?? refusalOfForm(request);
    if (refusal !== undefined) return guarded(refusal);
    return { maxBodyBytes: maxBodyOf(request), answer: async (body) => guarded(await answer(request, body)) };
  };
}

function maxBodyOf({ path }: HttpRequest): number {
  return TORRENT_PATHS.includes(path) ? API.maxTorrentBytes : API.maxOrderBytes;
}

function refusalOfForm(request: HttpRequest): HttpReply | undefined {
  const { method, bodyLength } = request;
  if (!METHODS.includes(method)) {
    return problemReply(405, `Expected ${METHODS.join(", ")}, got ${method}`, [[
      "Allow",
      METHODS.join(", "),
    ]]);
  }
  if (bodyLength === undefined) return problemReply(411, "Expected a body whose length is told, got another");
  const most = maxBodyOf(request);
  if (bodyLength > most) {
    return problemReply(413, `Expected a body of at most ${most} bytes, got ${bodyLength}`);
  }
}

function guarded(reply: HttpReply): HttpReply {
  return { ...reply, headers: [...reply.headers ?? [], ...GUARDS] };
}
