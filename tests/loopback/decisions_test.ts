/** Decisions that can be watched: a LAN of four on this machine, as its events tell it. */
import assert from "node:assert/strict";
import type { SessionEvent, SessionOptions } from "../../lib/session/session.ts";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";

const SHARED = sharedData(600_000);
const PIECES = SHARED.metainfo.layout.pieceCount;

type Told<Name extends SessionEvent["event"]> = Extract<SessionEvent, { event: Name }>;

function told<Name extends SessionEvent["event"]>(session: TestSession, name: Name): Told<Name>[] {
  return session.events.filter((event): event is Told<Name> => event.event === name);
}

Deno.test("four sessions tell joins and pushes, rounds with reasons, and pieces with their senders", async () => {
  const options = (more: Partial<SessionOptions> = {}) => ({
    choices: { rechokeMs: 300, maxUpload: 500_000, uploadSlots: 2, downloadSources: 2 },
    watchesPieces: true,
    ...more,
  });
  await using announcer = await TestSession.start(options({ runTracker: true }));
  const announce = [`http://127.0.0.1:${announcer.trackerPort}/announce`];
  await announcer.seed(SHARED, announce);
  await using first = await TestSession.start(options());
  await using second = await TestSession.start(options());
  await using third = await TestSession.start(options());
  const leechers = [first, second, third];
  await first.leech(SHARED, [], announce);
  // By then the announcer knows that this one takes the pushed list.
  await first.whenEvent("piece");
  await Promise.all([second, third].map((leecher) => leecher.leech(SHARED, [], announce)));
  await Promise.all(leechers.map((leecher) => leecher.completes(SHARED)));
  const nameOf = ({ session }: TestSession) => `127.0.0.1:${session.port}`;
  const names = leechers.map(nameOf);

  // The tracker: all three have joined, and those that were connected by then got the list.
  const changes = told(announcer, "tracker");
  assert.deepEqual(changes.flatMap(({ joined }) => joined).sort(), names.toSorted());
  assert.deepEqual(changes[0].joined, [names[0]]);
  const last = changes.findLast(({ joined }) => joined.length > 0)!;
  assert.equal(last.known, 3);
  assert(last.pushedTo >= 1 && last.pushedTo <= 3, `${last.pushedTo}`);
  assert.deepEqual(leechers.flatMap((leecher) => told(leecher, "tracker")), [], "they run no tracker");

  // Rounds.
  const rounds = told(announcer, "rechoke");
  assert(rounds.length > 1);
  for (const { slots, slotsBy, waitingForSlot, sources, waitingAsSource } of rounds) {
    assert.equal(slotsBy, "what they take");
    assert(slots.length <= 2 && slots.length + waitingForSlot <= 3);
    for (const { peer, reason, rate } of slots) {
      assert(names.includes(peer));
      assert(["fastest", "by chance", "free place"].includes(reason), reason);
      assert(Number.isInteger(rate) && rate >= 0);
      if (reason === "fastest") assert(rate > 0);
    }
    assert.deepEqual([sources, waitingAsSource], [[], 0]);
  }
  const sourcesOf = leechers.flatMap((leecher) => told(leecher, "rechoke")).flatMap(({ sources }) => sources);
  for (const { peer } of sourcesOf) assert([nameOf(announcer), ...names].includes(peer));

  // Pieces: each once and right, told before the torrent is complete, from peers that are there.
  assert.deepEqual(told(announcer, "piece"), []);
  for (const leecher of leechers) {
    const pieces = told(leecher, "piece");
    assert.deepEqual(pieces.map(({ piece }) => piece).sort((a, b) => a - b), [...Array(PIECES).keys()]);
    for (const { piece, peers, good, file, offset } of pieces) {
      assert.deepEqual([good, file, offset], [true, SHARED.metainfo.name, piece * 16_384]);
      assert(peers.length > 0);
      for (const peer of peers) assert([nameOf(announcer), ...names].includes(peer), peer);
      assert(!peers.includes(nameOf(leecher)));
    }
    const order = leecher.events.map(({ event }) => event);
    assert(order.lastIndexOf("piece") < order.indexOf("complete"));
    assert(
      order.indexOf("torrent") < order.indexOf("peers") && order.indexOf("peers") < order.indexOf("piece"),
    );
  }

  // When one leaves, the tracker tells that too.
  await first.session.pause(SHARED.metainfo.infoHash);
  const deadline = performance.now() + 10_000;
  while (!told(announcer, "tracker").some(({ left }) => left.includes(names[0]))) {
    assert(performance.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

Deno.test("Session tells pieces only to observers that ask for them, and to nobody once they have gone", async () => {
  await using seeder = await TestSession.start();
  await seeder.seed(SHARED);
  await using leecher = await TestSession.start({ choices: { maxDownload: 500_000 } });
  const [all, most]: SessionEvent[][] = [[], []];
  const leave = leecher.session.observe((event) => {
    all.push(event);
    if (event.event === "piece") leave();
  }, true);
  leecher.session.observe((event) => most.push(event));
  await leecher.leech(SHARED, [`127.0.0.1:${seeder.session.port}`]);
  await leecher.completes(SHARED);
  assert.equal(all.filter(({ event }) => event === "piece").length, 1);
  assert.equal(most.filter(({ event }) => event === "piece").length, 0);
  assert(most.some(({ event }) => event === "complete"));
  assert.deepEqual(told(leecher, "piece"), []);
});
