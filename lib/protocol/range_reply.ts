/** Reads replies of web seeds (BEP 19) to HTTP range requests (RFC 9110, 14). */

/** The range that a request asked for, in bytes. */
interface AskedRange {
  readonly position: number;
  readonly length: number;
  /** Length of the whole file. */
  readonly fileLength: number;
}

/** The fault of a reply. */
interface ReplyProblem {
  readonly reason: string;
  /** Whether the same request would fail again. */
  readonly isFinal: boolean;
  /** Time for which the server asked us to stay away, in ms; 0 when it named none. */
  readonly retryAfterMs: number;
}

/** Unit, first and last byte, and length of the whole file. The unit's case does not matter (RFC 9110, 14.1). */
const CONTENT_RANGE = /^\s*bytes[ \t=]+(\d{1,16})[ \t]*-[ \t]*(\d{1,16})[ \t]*\/[ \t]*(\d{1,16}|\*)\s*$/i;

/** Statuses 4xx that may be temporary: request timeout, too early, too many requests. */
const PASSING = [408, 425, 429];

/** The bytes of a file that a reply contains, from `start` to before `end`. */
interface ReplyPart {
  readonly start: number;
  readonly end: number;
}

/**
 * Determines from a reply's status and headers which part of the file it contains, or what is wrong with it. A server
 * may ignore ranges and send the whole file, and may send less than it was asked for (RFC 9110, 15.3.7).
 *
 * Shape: `header` returns null for a missing header. Reasons may quote the server.
 */
export function readRangeReply(
  status: number,
  header: (name: string) => string | null,
  { position, length, fileLength }: AskedRange,
): ReplyPart | ReplyProblem {
  const final = (reason: string) => ({ reason, isFinal: true, retryAfterMs: 0 });
  if (status !== 200 && status !== 206) {
    const isFinal = status < 500 && !PASSING.includes(status);
    const retryAfterMs = secondsIn(header("retry-after")) * 1000;
    return { reason: `Expected status 206, got ${status}`, isFinal, retryAfterMs };
  }
  const encoding = (header("content-encoding") ?? "").trim().toLowerCase();
  if (!["", "identity"].includes(encoding)) return final("Expected plain bytes, got encoded ones");
  if (status === 200) {
    const bytes = header("content-length") ?? String(fileLength);
    if (Number(bytes) !== fileLength) {
      return final(`Expected a file of ${fileLength} bytes, got one of ${bytes}`);
    }
    return { start: 0, end: fileLength };
  }
  const last = position + length - 1;
  const got = header("content-range") ?? "none";
  const [, first, end, whole] = CONTENT_RANGE.exec(got) ?? [];
  const isAsked = Number(first) === position && Number(end) >= position && Number(end) <= last;
  if (!isAsked || (whole !== "*" && Number(whole) !== fileLength)) {
    return final(`Expected the range bytes ${position}-${last}/${fileLength}, got ${got}`);
  }
  return { start: position, end: Number(end) + 1 };
}

/** The number of seconds in a header; 0 when the header is missing or holds a date. */
function secondsIn(text: string | null): number {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : 0;
}
