import assert from "node:assert/strict";
import { type Endpoint, formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { SUCCESSION } from "../../../lib/settings.ts";
import { Successors } from "../../../lib/swarm/tracker/successors.ts";

const INFO_HASH = parseInfoHash("ab".repeat(20))!;
const NOBODY = { connected: [], own: [] };
const none = () => false;

const at = (number: number, port = 6969): Endpoint => ({ address: `10.0.0.${number}`, port });
const room = (count: number) => Array.from({ length: count }, (_, number) => at(number + 1));
const names = (chosen: readonly { readonly endpoint: Endpoint }[]) =>
  chosen.map(({ endpoint: { address } }) => address);

Deno.test("all who know the same trackers choose the same three, whatever they heard first", () => {
  const connected = room(20);
  const expected = new Successors(INFO_HASH).at(0, { connected, own: [] }, none);
  assert.equal(expected.length, 3);
  for (let from = 1; from < 20; from++) {
    const turned = [...connected.slice(from), ...connected.slice(0, from)];
    const own = [turned[0]];
    const chosen = new Successors(INFO_HASH).at(0, { connected: turned.slice(1), own }, none);
    assert.deepEqual(names(chosen), names(expected));
    const isAmong = names(expected).includes(own[0].address);
    assert.equal(chosen.filter(({ isOwn }) => isOwn).length, isAmong ? 1 : 0);
  }
  const other = new Successors(parseInfoHash("cd".repeat(20))!);
  assert.notDeepEqual(
    names(other.at(0, { connected, own: [] }, none)),
    names(expected),
    "torrents share the work",
  );
});

Deno.test("one that goes is replaced by the fourth, and nothing changes for the others", () => {
  const successors = new Successors(INFO_HASH);
  const connected = room(20);
  const [first, second, third] = names(successors.at(0, { connected, own: [] }, none));
  const rest = connected.filter(({ address }) => address !== first);
  assert.deepEqual(names(successors.at(0, { connected: rest, own: [] }, none)).slice(0, 2), [second, third]);
  const isFirst = ({ address }: Endpoint) => address === first;
  assert.deepEqual(names(successors.at(0, { connected, own: [] }, isFirst)).slice(0, 2), [second, third]);
});

Deno.test("one that does not answer is passed over, each time for longer, until it answers", () => {
  const successors = new Successors(INFO_HASH);
  const known = { connected: room(5), own: [] };
  const isFirst = (now: number) => names(successors.at(now, known, none))[0];
  const [first] = successors.at(0, known, none);
  successors.failed(first.endpoint, 0);
  assert.notEqual(isFirst(SUCCESSION.outMs - 1), first.endpoint.address);
  assert.equal(isFirst(SUCCESSION.outMs), first.endpoint.address);
  successors.failed(first.endpoint, SUCCESSION.outMs);
  assert.notEqual(isFirst(3 * SUCCESSION.outMs - 1), first.endpoint.address);
  successors.answered(first.endpoint, SUCCESSION.outMs);
  assert.equal(isFirst(SUCCESSION.outMs), first.endpoint.address);
});

Deno.test("what others say is used and never told on; an answer of the tracker itself makes it known", () => {
  const successors = new Successors(INFO_HASH);
  const teller = {};
  successors.told(teller, [at(1), at(2), at(3)]);
  assert.equal(successors.at(0, NOBODY, none).length, 3, "it is all there is");
  assert.deepEqual(successors.tellable(0, NOBODY), []);
  successors.answered(at(2), 0);
  assert.deepEqual(successors.tellable(0, NOBODY), [at(2)]);
  assert.deepEqual(successors.tellable(SUCCESSION.answerHoldsMs, NOBODY), [], "an answer grows old");
  successors.forget(teller);
  assert.deepEqual(names(successors.at(0, NOBODY, none)), ["10.0.0.2"]);
  assert.deepEqual(successors.at(SUCCESSION.answerHoldsMs, NOBODY, none), []);
});

Deno.test("a liar who invents trackers of the highest ranks gets one place of three", () => {
  const successors = new Successors(INFO_HASH);
  const connected = room(5);
  const honest = names(successors.at(0, { connected, own: [] }, none));
  // Among so many there are some that rank above all honest ones.
  const invented = Array.from(
    { length: 60_000 },
    (_, port) => ({ address: `10.9.${port >> 8}.${port & 255}`, port: 7000 }),
  );
  const probe = new Successors(INFO_HASH);
  const top = probe.at(0, { connected: invented.slice(0, 500), own: [] }, none).map(({ endpoint }) =>
    endpoint
  );
  successors.told({}, top);
  successors.told({}, top.toReversed());
  const chosen = names(successors.at(0, { connected, own: [] }, none));
  assert.equal(chosen.filter((address) => !address.startsWith("10.0.0.")).length, 1);
  assert.deepEqual(chosen.filter((address) => address.startsWith("10.0.0.")), honest.slice(0, 2));
  // One machine with many trackers is one place, and services of a system are none.
  const crowd = Array.from({ length: 200 }, (_, port) => at(9, 7_000 + port));
  assert.equal(
    names(successors.at(0, { connected: crowd, own: [] }, none)).filter((each) => each === "10.0.0.9").length,
    1,
  );
  const careful = new Successors(INFO_HASH);
  careful.told({}, [at(1, 80), at(2, 22)]);
  assert.deepEqual(careful.at(0, NOBODY, none), []);
});

Deno.test("successors are found in a moment, also in a crowd", () => {
  const successors = new Successors(INFO_HASH);
  const connected = Array.from({ length: 120 }, (_, number) => at(number));
  for (const peer of connected) successors.told(peer, [at(200), at(201), at(202)]);
  const startedAt = performance.now();
  for (let round = 0; round < 100; round++) successors.at(0, { connected, own: [at(250)] }, none);
  const each = (performance.now() - startedAt) / 100;
  assert.ok(each < 20, `${each} ms, ${formatEndpoint(at(1))}`);
});
