/** Reads replies of web seeds (BEP 17 and 19) to HTTP requests for a range of bytes (RFC 9110, 14). */

/** The range that a request asked for, in bytes. */
interface AskedRange {
  readonly position: number;
  readonly length: number;
  /** Length of the whole file, or of the whole piece. */
  readonly fileLength: number;
}

/** The fault of a reply. */
export interface ReplyProblem {
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

/** The bytes of a file or a piece that a reply contains, from `start` to before `end`. */
export interface ReplyPart {
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
  const problem = problemOf(status, header, 206, header("retry-after"));
  if (problem !== undefined) return problem;
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

/**
 * Determines the same for a reply to a request for a range of a piece (BEP 17). No header tells which bytes the reply
 * contains: by its length, it is the range or the whole piece.
 *
 * Shape: as `readRangeReply`. `pause` is the beginning of the body of a reply with status 503, which tells for how many
 * seconds the server asks us to stay away.
 */
export function readPieceReply(
  status: number,
  header: (name: string) => string | null,
  { position, length, fileLength }: AskedRange,
  pause: string,
): ReplyPart | ReplyProblem {
  const seconds = secondsIn(pause.trim()) > 0 ? pause.trim() : header("retry-after");
  const problem = problemOf(status, header, 200, seconds);
  if (problem !== undefined) return problem;
  const bytes = header("content-length") ?? String(length);
  if (Number(bytes) === length) return { start: position, end: position + length };
  if (Number(bytes) === fileLength) return { start: 0, end: fileLength };
  return final(`Expected ${length} bytes of a piece, got ${bytes}`);
}

/** The fault of a reply that does not bring plain bytes. `seconds` is the pause that the server asks for, as text. */
function problemOf(
  status: number,
  header: (name: string) => string | null,
  expected: number,
  seconds: string | null,
): ReplyProblem | undefined {
  if (status !== 200 && status !== 206) {
    const isFinal = status < 500 && !PASSING.includes(status);
    const retryAfterMs = secondsIn(seconds) * 1000;
    return { reason: `Expected status ${expected}, got ${status}`, isFinal, retryAfterMs };
  }
  const encoding = (header("content-encoding") ?? "").trim().toLowerCase();
  return ["", "identity"].includes(encoding) ? undefined : final("Expected plain bytes, got encoded ones");
}

function final(reason: string): ReplyProblem {
  return { reason, isFinal: true, retryAfterMs: 0 };
}

/** The number of seconds in a text; 0 when there is no text, or when it is something else, such as a date. */
function secondsIn(text: string | null): number {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : 0;
}
