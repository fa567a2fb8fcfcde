import assert from "node:assert/strict";
import { EventFeed } from "../../lib/api/events/event_feed.ts";
import type { JsonObject } from "../../lib/api/merge_patch.ts";
import { fromUtf8 } from "../../lib/protocol/bytes.ts";
import { API } from "../../lib/settings.ts";

/** A feed over a state that the test changes, on a clock that stands still unless set. */
class TestFeed implements Disposable {
  state: JsonObject = { count: 0 };
  now = 1_000_000;
  looks = 0;
  readonly feed = new EventFeed({
    look: () => {
      this.looks++;
      return this.state;
    },
    now: () => this.now,
  });

  /** Makes deltas, one for each of these numbers. */
  count(...numbers: number[]): void {
    for (const count of numbers) {
      this.state = { ...this.state, count };
      this.feed.state();
    }
  }

  /** The next messages of a reader, as name and data. */
  async read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<[event: string, data: JsonObject]> {
    let text = "";
    while (!text.endsWith("\n\n")) text += fromUtf8((await reader.read()).value!);
    const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n$/.exec(text)!;
    const json = JSON.parse(data);
    assert.equal(`${json.sequence}`, id);
    return [event, json];
  }

  [Symbol.dispose](): void {
    this.feed.stop();
  }
}

Deno.test("EventFeed computes nothing while nobody reads, and one delta for all who do", async () => {
  using test = new TestFeed();
  const readers = [0, 1, 2].map(() => test.feed.open(undefined)!.getReader());
  for (const reader of readers) assert.equal((await test.read(reader))[0], "state");
  const before = test.looks;
  test.state = { count: 1 };
  for (const reader of readers) assert.deepEqual((await test.read(reader))[1].patch, { count: 1 });
  assert.equal(test.looks, before + 1);
  for (const reader of readers) await reader.cancel();
  await new Promise((resolve) => setTimeout(resolve, API.deltaMs + 100));
  assert.equal(test.looks, before + 1);
  test.state = { count: 2 };
  const later = test.feed.open(undefined)!.getReader();
  assert.equal((await test.read(later))[1].count, 2);
  await later.cancel();
});

Deno.test("EventFeed goes on where a reader stopped, and gives the whole state where that is too long ago", async () => {
  using test = new TestFeed();
  const { sequence } = test.feed.state();
  const last = sequence as number;
  test.count(...Array.from({ length: API.deltasKept }, (_, i) => i + 1));
  const back = test.feed.open(last)!.getReader();
  for (const count of [1, 2, 3]) {
    const [event, { sequence, patch }] = await test.read(back);
    assert.deepEqual([event, sequence, patch], ["delta", last + count, { count }]);
  }
  for (const known of [last - 1, last + API.deltasKept + 1, 0, undefined]) {
    const reader = test.feed.open(known)!.getReader();
    const [event, { count }] = await test.read(reader);
    assert.deepEqual([event, count], ["state", API.deltasKept]);
    await reader.cancel();
  }
  await back.cancel();
});

Deno.test("EventFeed keeps no more bytes of deltas than it may", async () => {
  using test = new TestFeed();
  const text = "x".repeat(API.deltaBytesKept / 8);
  const { sequence } = test.feed.state();
  for (let count = 0; count < 20; count++) {
    test.state = { text: text + count };
    test.feed.state();
  }
  const reader = test.feed.open(sequence as number)!.getReader();
  assert.equal((await test.read(reader))[0], "state");
  await reader.cancel();
  const recent = test.feed.open(sequence as number + 14)!.getReader();
  assert.equal((await test.read(recent))[0], "delta");
  await recent.cancel();
});

Deno.test("EventFeed queues nothing for a reader that does not read", async () => {
  using test = new TestFeed();
  test.state = { text: "x".repeat(API.writeBytes * 3) };
  const stream = test.feed.open(undefined)!;
  const reader = stream.getReader();
  const { value } = await reader.read();
  assert.equal(value!.length, API.writeBytes);
  test.count(...Array.from({ length: API.deltasKept + 1 }, (_, i) => i));
  // The rest of the state that was begun, and then the state of now: what lay between is forgotten.
  let text = "";
  while (!text.endsWith("\n\n")) text += fromUtf8((await reader.read()).value!);
  const [event, { count }] = await test.read(reader);
  assert.deepEqual([event, count], ["state", API.deltasKept]);
  await reader.cancel();
});

Deno.test("EventFeed tells the latest events, and how many it left out", async () => {
  using test = new TestFeed();
  const reader = test.feed.open(undefined)!.getReader();
  await test.read(reader);
  for (let number = 0; number < API.eventsPerDelta + 5; number++) {
    test.feed.note({ event: "warning", number });
  }
  const [, { log, patch }] = await test.read(reader);
  const [first, ...events] = log as JsonObject[];
  assert.deepEqual([patch, first], [{}, { dropped: 5 }]);
  assert.equal(events.length, API.eventsPerDelta);
  assert.deepEqual(events.at(-1), { event: "warning", number: API.eventsPerDelta + 4, time: test.now });
  await reader.cancel();
});

Deno.test("EventFeed gives a sign of life where there is no news, and takes no more readers than it can bear", async () => {
  using test = new TestFeed();
  const readers = Array.from({ length: API.maxReaders }, () => test.feed.open(undefined)!.getReader());
  assert.equal(test.feed.open(undefined), undefined);
  await test.read(readers[0]);
  test.now += API.signOfLifeMs;
  assert.match(fromUtf8((await readers[0].read()).value!), /^: [^\n]*\n\n$/);
  await readers[1].cancel();
  const [reader] = [test.feed.open(undefined)!.getReader()];
  await test.read(reader);
  test.feed.stop();
  assert.equal((await readers[0].read()).done, true);
  assert.equal(test.feed.open(undefined), undefined);
});
