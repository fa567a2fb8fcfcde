/** Datagrams of local discovery (BEP 14): an HTTP-like head without a body, sent to a multicast group. */
import { ProtocolError } from "../errors.ts";
import { toByteString, toUtf8 } from "./bytes.ts";
import type { IpFamily } from "./endpoint.ts";
import { type InfoHash, parseInfoHash } from "./info_hash.ts";

/** Port of both multicast groups. */
export const LSD_PORT = 6771;
/** The multicast groups, organization-local for IPv4 and site-local for IPv6. */
export const LSD_GROUPS: Record<IpFamily, string> = { 4: "239.192.152.143", 6: "ff15::efc0:988f" };

/** Longest datagram sent, in bytes (BEP 14: 1,400, so that it needs no fragments); we read up to twice that. */
export const LSD_MAX_LENGTH = 1400;
const MAX_READ_LENGTH = 2 * LSD_MAX_LENGTH;
/** Longest cookie read, in characters; ours has 16. */
const MAX_COOKIE_LENGTH = 64;
/** Name and value of a header whose value is printable ASCII. */
const HEADER = /^([!-9;-~]+)[ \t]*:[ \t]*([ -~]*?)[ \t]*$/;
/** Header lines read: the longest datagram holds fewer info-hashes than this. */
const MAX_LINES = 64;

const FIRST_LINE = "BT-SEARCH * HTTP/1.1";
/** First lines that are accepted when reading. */
const ANY_FIRST_LINE = /^BT-SEARCH \* HTTP\/1\.[0-9][ \t]*$/i;

/** Number of info-hashes that fit into one datagram beside the other headers. */
export const LSD_MAX_INFO_HASHES = 23;

/** The contents of a datagram: the torrents that its sender shares. */
export interface LsdMessage {
  readonly infoHashes: readonly InfoHash[];
  /** Port where the sender listens for peers; its address is that of the datagram. */
  readonly port: number;
  /** Printable ASCII by which the sender recognizes its own datagrams; empty when there is none. */
  readonly cookie: string;
}

/** The datagram for a message, which has at most `LSD_MAX_INFO_HASHES` info-hashes. */
export function encodeLsd(message: LsdMessage, family: IpFamily): Uint8Array<ArrayBuffer> {
  const group = family === 6 ? `[${LSD_GROUPS[6]}]` : LSD_GROUPS[4];
  const lines = [FIRST_LINE, `Host: ${group}:${LSD_PORT}`, `Port: ${message.port}`];
  for (const infoHash of message.infoHashes) lines.push(`Infohash: ${infoHash}`);
  if (message.cookie !== "") lines.push(`cookie: ${message.cookie}`);
  return toUtf8(lines.join("\r\n") + "\r\n\r\n\r\n");
}

/**
 * Reads a datagram. Unknown and unusable headers are ignored; neither their order nor their case matters. Of several
 * ports, the first usable one counts.
 *
 * Errors: `ProtocolError` when the datagram is too long, is no announce, or lacks a port or an info-hash.
 */
export function parseLsd(datagram: Uint8Array): LsdMessage {
  if (datagram.length > MAX_READ_LENGTH) {
    throw new ProtocolError(`Expected at most ${MAX_READ_LENGTH} bytes, got ${datagram.length}`);
  }
  const [firstLine, ...lines] = toByteString(datagram).trimEnd().split(/\r?\n/);
  if (!ANY_FIRST_LINE.test(firstLine)) {
    throw new ProtocolError("Expected a local announce, got something else");
  }
  if (lines.length > MAX_LINES) {
    throw new ProtocolError(`Expected at most ${MAX_LINES} headers, got ${lines.length}`);
  }
  const infoHashes = new Set<InfoHash>();
  let port: number | undefined;
  let cookie = "";
  for (const line of lines) {
    const [, name, value] = HEADER.exec(line) ?? [];
    switch (name?.toLowerCase()) {
      case "infohash": {
        const infoHash = parseInfoHash(value);
        if (infoHash !== undefined) infoHashes.add(infoHash);
        break;
      }
      case "port":
        port ??= readPort(value);
        break;
      case "cookie":
        cookie = value.slice(0, MAX_COOKIE_LENGTH);
        break;
    }
  }
  if (port === undefined || infoHashes.size === 0) {
    throw new ProtocolError("Expected a port and an info-hash in a local announce, got none");
  }
  return { infoHashes: [...infoHashes], port, cookie };
}

/** The port that a text stands for; undefined when the text is no port. */
function readPort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}
