import assert from "node:assert/strict";
import { EventFeed } from "../../lib/api/events/event_feed.ts";
import { StateView } from "../../lib/api/events/state.ts";
import type { JsonObject } from "../../lib/api/merge_patch.ts";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import type { RoomView, Session, TorrentSnapshot } from "../../lib/session/session.ts";
import { emptySnapshot } from "../../lib/swarm/empty_snapshot.ts";

/** A session that shows these torrents. */
class ShownSession {
  torrents: TorrentSnapshot[];
  rooms = new Map<InfoHash, RoomView>();

  constructor(count: number) {
    this.torrents = Array.from({ length: count }, (_, number) => torrentOf(number, {}));
  }

  get session(): Session {
    return this as unknown as Session;
  }

  snapshot(): TorrentSnapshot[] {
    return this.torrents.map((torrent) => ({ ...torrent }));
  }

  room({ infoHash }: TorrentSnapshot): RoomView | undefined {
    return this.rooms.get(infoHash);
  }

  process() {
    return { version: "1", choices: { maxUpload: Infinity } };
  }
}

function torrentOf(number: number, changes: Partial<TorrentSnapshot>): TorrentSnapshot {
  const infoHash = number.toString(16).padStart(40, "0") as InfoHash;
  return {
    ...emptySnapshot(infoHash, `torrent ${number}`),
    number,
    labels: [],
    addedAt: 1,
    completedAt: undefined,
    queuePosition: number,
    isPaused: false,
    pauseReason: undefined,
    reused: 0,
    etaS: undefined,
    ...changes,
  };
}

Deno.test("StateView shows a torrent that has not changed as the same object, and each change at once", () => {
  const shown = new ShownSession(2);
  let now = 10_000;
  const view = new StateView(shown.session, () => now);
  const look = () => Object.values(view.look().torrents as Record<string, JsonObject>);
  const [first, second] = look();
  assert.deepEqual(look().map((torrent, at) => torrent === [first, second][at]), [true, true]);
  assert.deepEqual(["checked" in first, "peers" in first, first.downloadRate], [false, false, 0]);

  shown.torrents[1] = torrentOf(1, { downloadRate: 10.6, waiting: { reason: "why", nextTryInMs: 4_600 } });
  const [same, changed] = look();
  assert.equal(same, first);
  assert.deepEqual([changed.downloadRate, changed.waiting], [11, { reason: "why", nextTryAt: 15_000 }]);

  // A moment in the future comes nearer with each look, and stays the same.
  now += 1_000;
  shown.torrents[1] = { ...shown.torrents[1], waiting: { reason: "why", nextTryInMs: 3_600 } };
  assert.equal(look()[1], changed);
  shown.torrents[1] = { ...shown.torrents[1], waiting: { reason: "why", nextTryInMs: 9_600 } };
  assert.deepEqual(look()[1].waiting, { reason: "why", nextTryAt: 21_000 });

  const room = { hosts: 2, done: 1, gone: 0, slow: 0, together: 0.5 } as RoomView;
  shown.rooms.set(shown.torrents[0].infoHash, room);
  assert.deepEqual(look()[0].room, { ...room });
  shown.rooms.clear();
  assert.equal("room" in look()[0], false);

  shown.torrents.pop();
  assert.equal(look().length, 1);
});

Deno.test("a look at 1,000 idle torrents costs little of the main thread, and the whole state is soon written", () => {
  const shown = new ShownSession(1_000);
  for (let at = 0; at < 1_000; at += 2) {
    shown.torrents[at] = torrentOf(at, { waiting: { reason: "nobody has it", nextTryInMs: 4_000 } });
  }
  const view = new StateView(shown.session, () => 1);
  const feed = new EventFeed({ look: () => view.look(), now: () => 1 });
  /** The least of many rounds in ms: other tests run beside this one. */
  const cost = (act: () => void) => {
    const times = Array.from({ length: 60 }, () => {
      const startedAt = performance.now();
      act();
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  const delta = cost(() => feed.state());
  const whole = cost(() => JSON.stringify(feed.state()));
  console.log(`a delta ${delta.toFixed(1)} ms, the whole state ${whole.toFixed(1)} ms`);
  // What is promised is 5 and 50 ms; a slow machine needs more.
  assert.ok(delta < 15 && whole < 100, `${delta} ms, ${whole} ms`);
});
