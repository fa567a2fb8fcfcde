/** Heads of HTTP/1 requests (RFC 9112), as far as a server needs them that answers questions and takes no bodies. */
import { ProtocolError } from "../errors.ts";
import { toByteString } from "./bytes.ts";

/** A request without its headers. */
export interface HttpRequest {
  /** As it came, such as `GET`. */
  readonly method: string;
  /** As it came, neither decoded nor simplified; bytes that are no text in a URL are percent-encoded. */
  readonly path: string;
  /** The same, without `?`. */
  readonly query: string;
  /** Whether the connection may be used for another request: not where a body follows, which nobody reads. */
  readonly keepsAlive: boolean;
}

const LF = 10;
const CR = 13;
/** Method, target, minor version and headers. */
const HEAD =
  // deno-lint-ignore no-control-regex
  /^([A-Z]{1,20}) ([!-~\x80-\xff]+) HTTP\/1\.([01])\r?\n((?:[!#$%&'*+.^_`|~\w-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r?\n)*)\r?\n$/;
/** A target may be a whole URL, as proxies are asked (RFC 9112, 3.2.2). */
const TARGET = /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)(?:\?([^#]*))?(?:#.*)?$/i;
/** The headers that have a say in whether the connection can be kept. */
const CONNECTION_HEADERS = /^(connection|content-length|transfer-encoding|expect):(.*)$/gim;

/** Bytes of the head with the empty line behind it; undefined when it is not all there. The first `seen` bytes were looked at before. */
export function headLength(bytes: Uint8Array, seen: number): number | undefined {
  // An end may have begun in what was seen: line feed, return, line feed.
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
  for (const [, name, value] of headers.matchAll(CONNECTION_HEADERS)) {
    const text = value.trim().toLowerCase();
    switch (name.toLowerCase()) {
      case "connection":
        keepsAlive = text === "keep-alive" || (keepsAlive && !text.split(/[, \t]+/).includes("close"));
        break;
      case "content-length":
        if (text !== "0") keepsAlive = false;
        break;
      case "transfer-encoding":
      case "expect":
        keepsAlive = false;
    }
  }
  return { method, path: escaped(path), query: escaped(query), keepsAlive };
}

function escaped(text: string): string {
  return text.replace(/[\x80-\xff]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}
