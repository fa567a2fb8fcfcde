/** Writes replies of HTTP/1.1 (RFC 9112) for a server. */
import { concatBytes, toUtf8 } from "./bytes.ts";

/** Status and headers of a reply. */
export interface ReplyHead {
  readonly status: number;
  /** All headers except those about the length of the body and the end of the connection. */
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

/** The words of a status code; empty for one that no server of ours sends. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? "";
}

const LINE_END = toUtf8("\r\n");
/** The bytes that end a body sent in chunks (RFC 9112, 7.1). */
export const LAST_CHUNK = toUtf8("0\r\n\r\n");
/** The reply that lets a waiting client send its body (RFC 9110, 15.2.1). */
export const CONTINUE = toUtf8("HTTP/1.1 100 Continue\r\n\r\n");

/** The head for a body of `length` bytes; undefined stands for a body in chunks. Header values have one line each. */
export function encodeReplyHead(
  { status, headers = [] }: ReplyHead,
  length: number | undefined,
  keepsAlive: boolean,
): Uint8Array<ArrayBuffer> {
  let head = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  const size = length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return toUtf8(`${head}${size}\r\nConnection: ${keepsAlive ? "keep-alive" : "close"}\r\n\r\n`);
}

/** A whole reply; `withBody` is false for a request that asks for the head alone (`HEAD`). */
export function encodeReply(
  head: ReplyHead,
  body: Uint8Array,
  keepsAlive: boolean,
  withBody = true,
): Uint8Array<ArrayBuffer> {
  const bytes = encodeReplyHead(head, body.length, keepsAlive);
  return withBody ? concatBytes(bytes, body) : bytes;
}

/** A chunk of a body; `bytes` must not be empty, as an empty chunk ends the body. */
export function encodeChunk(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(toUtf8(`${bytes.length.toString(16)}\r\n`), bytes, LINE_END);
}
