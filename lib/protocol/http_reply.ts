/** Replies of HTTP/1.1 (RFC 9112), as a server writes them. */
import { concatBytes, toUtf8 } from "./bytes.ts";

/** What stands before the body. */
export interface ReplyHead {
  readonly status: number;
  /** Besides those that say how long the body is and whether the connection goes on. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  302: "Found",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const LINE_END = toUtf8("\r\n");
/** What ends a body that was sent in chunks (RFC 9112, 7.1). */
export const LAST_CHUNK = toUtf8("0\r\n\r\n");
/** What tells a client that waits for it to send the body (RFC 9110, 15.2.1). */
export const CONTINUE = toUtf8("HTTP/1.1 100 Continue\r\n\r\n");

/** A head whose body is `length` bytes long, or comes in chunks when undefined. Header values are one line each. */
export function encodeReplyHead(
  { status, headers = [] }: ReplyHead,
  length: number | undefined,
  keepsAlive: boolean,
): Uint8Array<ArrayBuffer> {
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`,
    `Connection: ${keepsAlive ? "keep-alive" : "close"}`,
  ];
  return toUtf8(`${lines.join("\r\n")}\r\n\r\n`);
}

/** A whole reply; without the body where only its length is asked for (`HEAD`). */
export function encodeReply(
  head: ReplyHead,
  body: Uint8Array,
  keepsAlive: boolean,
  withBody = true,
): Uint8Array<ArrayBuffer> {
  const bytes = encodeReplyHead(head, body.length, keepsAlive);
  return withBody ? concatBytes(bytes, body) : bytes;
}

/** A chunk of a body; empty bytes would end it. */
export function encodeChunk(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(toUtf8(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END);
}
