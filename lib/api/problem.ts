/** Refusals as problem JSON (RFC 9457). */
import type { HttpReply } from "../net/http/http_server.ts";
import { toUtf8 } from "../protocol/bytes.ts";
import { reasonOf } from "../protocol/http_reply.ts";

/** Why a request was refused; `detail` is one line for the user that says what to do. */
interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** A refusal that an operation throws. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** The content type of problems. */
export const PROBLEM_TYPE = "application/problem+json";

/** The problem with this status. */
export function problemOf(status: number, detail: string): Problem {
  return { type: "about:blank", title: reasonOf(status), status, detail };
}

/** The reply that tells a problem, with these headers beside its own. */
export function problemReply(
  status: number,
  detail: string,
  headers: readonly (readonly [name: string, value: string])[] = [],
): HttpReply {
  return {
    status,
    headers: [["Content-Type", PROBLEM_TYPE], ...headers],
    body: toUtf8(JSON.stringify(problemOf(status, detail))),
  };
}
