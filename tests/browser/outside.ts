import { PAGES } from "../../lib/web/pages.ts";

/**
 * Serves the page to a browser outside of a LAN of network namespaces: files as they are, the API from the control socket
 * of a home, which needs no password. The caller shuts it down.
 */
export function serveOutside(home: string): Deno.HttpServer<Deno.NetAddr> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${home}/state/control.sock` } });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const file = PAGES.get(pathname);
    if (file !== undefined) return new Response(file.text, { headers: { "Content-Type": file.type } });
    return fetch(`http://localhost${pathname}`, { client, method: request.method, body: request.body });
  });
  server.finished.then(() => client.close());
  return server;
}
