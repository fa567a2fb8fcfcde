import { ProtocolError } from "../../errors.ts";
import { type Endpoint, formatEndpoint, withoutZone } from "../../protocol/endpoint.ts";
import {
  encodeReachQuery,
  parseReachAnswer,
  type ReachAnswer,
  type ReachQuestion,
} from "../../protocol/reach_messages.ts";
import { REACH } from "../../settings.ts";
import { PinnedClient } from "../http/pinned_client.ts";
import { bodyOf } from "../http/response_body.ts";

/** A tracker's answer to how we are reached. */
export interface NeighbourAnswer extends ReachAnswer {
  /** The address of the machine that answered, without a zone. */
  readonly address: string;
  /** How far its clock is ahead of ours, in ms. */
  readonly aheadMs: number;
}

/**
 * Asks the machine of a tracker of our kind how it reaches us. `wallClock` in ms since 1970.
 *
 * Errors: those of `fetch`; `ProtocolError` for an answer of another kind; the reason of `signal`.
 */
export async function askReach(
  tracker: Endpoint,
  question: ReachQuestion,
  wallClock: () => number,
  signal: AbortSignal,
): Promise<NeighbourAnswer> {
  const bare = { ...tracker, address: withoutZone(tracker.address) };
  const url = new URL(`http://${formatEndpoint(bare)}/reach?${encodeReachQuery(question)}`);
  using client = new PinnedClient({ url, address: tracker.address }, { poolMaxIdlePerHost: 0 });
  const ending = AbortSignal.any([signal, AbortSignal.timeout(REACH.answerTimeoutMs)]);
  const response = await client.fetch(url, { signal: ending });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new ProtocolError(`Expected status 200, got ${response.status}`);
  }
  const tooLong = () => new ProtocolError(`Expected at most ${REACH.maxAnswerBytes} bytes`);
  const answer = parseReachAnswer(await bodyOf(response, REACH.maxAnswerBytes, tooLong), question.ports);
  return { ...answer, address: bare.address, aheadMs: answer.time - wallClock() };
}
