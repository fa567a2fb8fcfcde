import assert from "node:assert/strict";
import { infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import {
  encodeShareAnswer,
  encodeShareQuestion,
  parseShareMessage,
  type Share,
} from "../../../lib/protocol/share_messages.ts";
import { SHARING } from "../../../lib/settings.ts";
import { type HostShares, ShareExtension } from "../../../lib/swarm/fleet/share_extension.ts";
import { ShareSearch } from "../../../lib/swarm/fleet/share_search.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";

const hashOf = (number: number) =>
  infoHashFromBytes(new Uint8Array(20).fill(number >> 8, 0, 10).fill(number, 10));
const shareOf = (number: number, changes: Partial<Share> = {}): Share => ({
  infoHash: hashOf(number),
  name: `share ${number}`,
  length: number,
  files: 1,
  trackers: [],
  isListed: true,
  ...changes,
});
const answerOf = (address: string, shares: readonly Share[], port = 6881): HostShares => ({
  endpoint: { address, port },
  host: `host at ${address}`,
  shares,
});

Deno.test("ShareSearch joins what several hosts say of one torrent, and refuses what cannot be an answer", () => {
  const search = new ShareSearch((infoHash) => infoHash !== hashOf(9), 4);
  const one = shareOf(1, { trackers: ["http://10.0.0.1:6969/announce"] });
  assert(search.take(answerOf("10.0.0.1", [one, shareOf(9)])));
  assert(search.take(answerOf("10.0.0.2", [{ ...one, trackers: ["http://10.0.0.2:6969/announce"] }])));
  assert(!search.take(answerOf("10.0.0.2", [one])), "nothing new");
  assert.deepEqual([search.hosts, search.refused], [2, 1]);
  const [found, ...others] = search.found;
  assert.deepEqual([found.infoHash, others], [hashOf(1), []]);
  assert.deepEqual(found.hosts.map(({ name }) => name), ["host at 10.0.0.1", "host at 10.0.0.2"]);
  assert.equal(found.trackers.length, 2);
});

Deno.test("ShareSearch tries a forger's torrents last: many of one address wait behind those of others", () => {
  const search = new ShareSearch(() => true, SHARING.perHost);
  search.take(answerOf("10.0.0.66", Array.from({ length: 100 }, (_, number) => shareOf(number))));
  assert.equal(search.found.length, SHARING.perHost);
  search.take(answerOf("10.0.0.66", [shareOf(200)], 7000));
  assert.equal(search.found.length, SHARING.perHost, "another port of the same address");
  search.take(answerOf("10.0.0.1", [shareOf(250)]));
  search.take(answerOf("10.0.0.2", [shareOf(251)]));
  search.take(answerOf("10.0.0.3", [shareOf(251)]));
  // Two liars name each other's torrents; that makes them no more likely.
  search.take(answerOf("10.0.0.67", Array.from({ length: 4 }, (_, number) => shareOf(number))));
  assert.deepEqual(search.takeUntried(2).map(({ infoHash }) => infoHash), [hashOf(251), hashOf(250)]);
  assert.equal(search.takeUntried(100).length, SHARING.perHost);
  assert.deepEqual([search.takeUntried(100), search.takeUntried(-1)], [[], []]);
});

Deno.test("ShareSearch keeps so many hosts and torrents and no more", () => {
  const search = new ShareSearch(() => true, 100);
  for (let host = 0; host < 1_000; host++) {
    const shares = Array.from({ length: 100 }, (_, number) => shareOf((host * 100 + number) % 65_536));
    search.take(answerOf(`10.0.${host >> 8}.${host & 255}`, shares));
  }
  assert.deepEqual([search.hosts, search.found.length], [SHARING.hosts, SHARING.listed]);
});

Deno.test("ShareExtension asks while somebody listens, and answers what is asked, but not without end", () => {
  const heard: HostShares[] = [];
  const extension = new ShareExtension("pc-1", () => [shareOf(1)]);
  const [early, late] = [fakePeer(1, 0), fakePeer(2, 0)];
  const sent = new Map([[early, [] as Uint8Array[]], [late, []]]);
  const offer = (fake: typeof early) =>
    extension.offered(fake.peer, (payload) => sent.get(fake)!.push(payload));
  offer(early);
  assert.deepEqual(sent.get(early), [], "nobody has a question");
  const answer = encodeShareAnswer("pc-2", [shareOf(2)]);
  extension.received(early.peer, answer, 0);
  const end = extension.ask((each) => heard.push(each));
  offer(late);
  for (const payloads of sent.values()) assert.deepEqual(payloads.splice(0), [encodeShareQuestion()]);
  extension.received(late.peer, answer, 0);
  assert.deepEqual(heard.map(({ host, shares }) => [host, shares.length]), [["pc-2", 1]]);

  for (let i = 0; i < 100; i++) extension.received(early.peer, encodeShareQuestion(), 0);
  const answers = sent.get(early)!;
  assert.equal(answers.length, SHARING.questions.burst);
  const message = parseShareMessage(answers[0]);
  assert(message?.type === "answer" && message.host === "pc-1");
  for (let i = 0; i < 100; i++) extension.received(late.peer, answer, 0);
  assert.equal(heard.length, SHARING.answers.burst);
  end();
  extension.received(late.peer, answer, 1e6);
  assert.equal(heard.length, SHARING.answers.burst);
});
