import assert from "node:assert/strict";
import process from "node:process";
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
    etaS: undefined,
    ...changes,
  };
}

Deno.test("StateView shows a torrent that has not changed as the same object, and each change at once", () => {
  const shown = new ShownSession(2);
  const view = new StateView(shown.session, () => 10_000);
  const look = () => Object.values(view.look().torrents as Record<string, JsonObject>);
  const [first, second] = look();
  assert.deepEqual(look().map((torrent, at) => torrent === [first, second][at]), [true, true]);
  assert.deepEqual(["checked" in first, "peers" in first, first.downloadRate], [false, false, 0]);

  shown.torrents[1] = torrentOf(1, { downloadRate: 10.6, waiting: { reason: "why", nextTryInMs: 4_600 } });
  const [same, changed] = look();
  assert.equal(same, first);
  assert.deepEqual([changed.downloadRate, changed.waiting], [11, { reason: "why", nextTryAt: 15_000 }]);

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
  const view = new StateView(shown.session, () => 1);
  const feed = new EventFeed({ look: () => view.look(), now: () => 1 });
  const cost = (act: () => void) => {
    for (let round = 0; round < 20; round++) act();
    const before = process.cpuUsage();
    for (let round = 0; round < 20; round++) act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000 / 20;
  };
  const delta = cost(() => feed.state());
  const whole = cost(() => JSON.stringify(feed.state()));
  console.log(`a delta ${delta.toFixed(1)} ms, the whole state ${whole.toFixed(1)} ms of CPU`);
  // What is promised is 5 and 50 ms; a machine that is shared by many needs more.
  assert.ok(delta < 15 && whole < 100, `${delta} ms, ${whole} ms`);
});
