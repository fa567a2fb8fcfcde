/** Hands requests of our HTTP server to a web application and its responses back. */
import type { HttpReply } from "../net/http/http_server.ts";
import { headerLines, type HttpRequest } from "../protocol/http_request.ts";

/** The methods that the interface knows. */
export const METHODS: readonly string[] = ["GET", "HEAD", "POST"];

/** The head of a request as the platform has it; the method must be one of `METHODS`. */
export function toRequest(request: HttpRequest): Request {
  const { method, path, query } = request;
  const url = `http://localhost${path}${query === "" ? "" : `?${query}`}`;
  return new Request(url, { method, headers: headerLines(request) });
}

/** The header by which the application marks a body that is sent part by part; the server writes its own. */
export const IN_PARTS = { "Transfer-Encoding": "chunked" } as const;

/** A response as our server sends it: whole, unless it is marked by `IN_PARTS`. */
export async function toReply(response: Response): Promise<HttpReply> {
  const { status, headers } = response;
  const isStream = headers.has("Transfer-Encoding");
  headers.delete("Transfer-Encoding");
  return {
    status,
    headers: [...headers],
    ...(response.body === null
      ? {}
      : { body: isStream ? response.body : new Uint8Array(await response.arrayBuffer()) }),
  };
}

/**
 * Gives back the memory of a body that nobody needs any more. The collector would come for it only after many such
 * bodies: 10 MB ones, one after the other, took 100 MB.
 */
export function release(body: Uint8Array<ArrayBuffer>): void {
  body.buffer.transfer(0);
}
