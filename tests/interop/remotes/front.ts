/** Transmission's own web page in front of the RPC of a peer, on one origin, as Transmission serves both. */
import { extname, join } from "node:path";
import type { SteeredPeer } from "./steered_peer.ts";

/** Where Debian's transmission-common has the page of Transmission 3.00. */
export const PAGE_FOLDER = "/usr/share/transmission/web";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".png": "image/png",
};
const SESSION_ID = "X-Transmission-Session-Id";
const RPC_PATH = "/transmission/rpc";
const PAGE_PATH = "/transmission/web/";

/** One request of a remote control, and what was answered. */
export interface Exchange {
  readonly method: string;
  readonly status: number;
  /** `result` of the legacy dialect; undefined where the answer has none. */
  readonly result: string | undefined;
}

/** Serves the page, and passes requests on to the RPC with the password. Dispose of it in the end. */
export function serveFront(peer: SteeredPeer) {
  const exchanges: Exchange[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === RPC_PATH || pathname === `${RPC_PATH}/`) return await passOn(peer, request, exchanges);
    if (!pathname.startsWith(PAGE_PATH)) return new Response(null, { status: 404 });
    const name = pathname.slice(PAGE_PATH.length) || "index.html";
    const file = await Deno.readFile(join(PAGE_FOLDER, name)).catch(() => undefined);
    if (file === undefined) return new Response(null, { status: 404 });
    return new Response(file, {
      headers: { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream" },
    });
  });
  const { port } = server.addr;
  return {
    port,
    page: `http://127.0.0.1:${port}${PAGE_PATH}`,
    exchanges: exchanges as readonly Exchange[],
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function passOn(peer: SteeredPeer, request: Request, exchanges: Exchange[]): Promise<Response> {
  const body = await request.text();
  const response = await fetch(peer.url + RPC_PATH, {
    method: "POST",
    body,
    headers: {
      Authorization: `Basic ${btoa(`anybody:${peer.password}`)}`,
      [SESSION_ID]: request.headers.get(SESSION_ID) ?? "",
    },
  });
  const { status } = response;
  const text = await response.text();
  const { method = "" } = JSON.parse(body || "{}");
  exchanges.push({ method, status, result: status === 200 ? JSON.parse(text).result : undefined });
  const id = response.headers.get(SESSION_ID);
  return new Response(text, {
    status,
    headers: { "Content-Type": "application/json", ...(id === null ? {} : { [SESSION_ID]: id }) },
  });
}
