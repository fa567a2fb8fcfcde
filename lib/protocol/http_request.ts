/** Reads the heads of HTTP/1 requests (RFC 9112) for a server. */
import { ProtocolError } from "../errors.ts";
import { toByteString } from "./bytes.ts";

/** The head of a request. */
export interface HttpRequest {
  /** The method as the client sent it, such as `GET`. */
  readonly method: string;
  /** The path as the client sent it, neither decoded nor simplified; only bytes beyond ASCII are percent-encoded. */
  readonly path: string;
  /** The query in the same form, without `?`. */
  readonly query: string;
  /** The header lines as the client sent them, one character a byte; `headerLines` splits them. */
  readonly headers: string;
  /** Bytes of body behind the head; undefined where the request gives no usable or several lengths (RFC 9112, 6). */
  readonly bodyLength: number | undefined;
  /** Whether the client waits for `100 Continue` before it sends the body (RFC 9110, 10.1.1). */
  readonly expectsContinue: boolean;
  /** Whether the client may use the connection for another request. */
  readonly keepsAlive: boolean;
}

const LF = 10;
const CR = 13;
/** Method, target, minor version and headers. */
const HEAD =
  // deno-lint-ignore no-control-regex
  /^([A-Z]{1,20}) ([!-~\x80-\xff]+) HTTP\/1\.([01])\r?\n((?:[!#$%&'*+.^_`|~\w-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r?\n)*)\r?\n$/;
/** Path and query of a target, which may be a whole URL, as in requests to proxies (RFC 9112, 3.2.2). */
const TARGET = /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)(?:\?([^#]*))?(?:#.*)?$/i;
/** The headers that determine where the request ends and whether the connection stays open. */
const FRAMING_HEADERS = /^(connection|content-length|transfer-encoding|expect):(.*)$/gim;

/**
 * Length of the head in bytes, the empty line behind it included; undefined while the head is incomplete. An earlier
 * call has already searched the first `seen` bytes.
 */
export function headLength(bytes: Uint8Array, seen: number): number | undefined {
  // The end (line feed, carriage return, line feed) may begin within the last two bytes that were searched before.
  for (let at = bytes.indexOf(LF, Math.max(0, seen - 2)); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
}

/** Reads a whole head. Errors: `ProtocolError` when it is malformed. */
export function parseHttpRequest(head: Uint8Array): HttpRequest {
  const [, method, target, minor, headers] = HEAD.exec(toByteString(head)) ?? [];
  if (method === undefined) {
    throw new ProtocolError("Expected the head of an HTTP/1 request, got something else");
  }
  const [, path, query = ""] = TARGET.exec(target) ?? [];
  if (path === undefined) throw new ProtocolError("Expected a path to ask for, got something else");
  let keepsAlive = minor === "1";
  let expectsContinue = false;
  const lengths = new Set<number>();
  for (const [, name, value] of headers.matchAll(FRAMING_HEADERS)) {
    const text = value.trim().toLowerCase();
    switch (name.toLowerCase()) {
      case "connection":
        keepsAlive = text === "keep-alive" || (keepsAlive && !text.split(/[, \t]+/).includes("close"));
        break;
      case "content-length":
        lengths.add(/^\d{1,15}$/.test(text) ? Number(text) : NaN);
        break;
      case "transfer-encoding":
        lengths.add(NaN);
        break;
      case "expect":
        expectsContinue = text === "100-continue";
        if (!expectsContinue) lengths.add(NaN);
    }
  }
  const [length = 0] = lengths;
  const bodyLength = lengths.size > 1 || Number.isNaN(length) ? undefined : length;
  return {
    method,
    path: escaped(path),
    query: escaped(query),
    headers,
    bodyLength,
    expectsContinue,
    keepsAlive,
  };
}

/** Names, in lower case, and values of a request's headers, in order. */
export function headerLines({ headers }: Pick<HttpRequest, "headers">): [name: string, value: string][] {
  return headers.split("\n").slice(0, -1).map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
}

function escaped(text: string): string {
  return text.replace(/[\x80-\xff]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
