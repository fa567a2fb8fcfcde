import assert from "node:assert/strict";
import { CONNECTIONS } from "../../lib/settings.ts";
import { Statistics } from "../../lib/swarm/statistics.ts";

Deno.test("Statistics adds this run to earlier ones and says who gave how much", () => {
  const statistics = new Statistics({ uploaded: 100, downloaded: 1_000 });
  statistics.received(10, "10.0.0.1:6881", 0);
  statistics.received(20, "10.0.0.2:6881", 0);
  statistics.received(5, "10.0.0.1:6881", 1_000);
  statistics.upload.add(7, 0);
  const { uploaded, downloaded } = statistics.snapshot(1_000);
  assert.deepEqual({ uploaded, downloaded }, { uploaded: 107, downloaded: 1_035 });
  assert.deepEqual(statistics.sources, { "10.0.0.1:6881": 15, "10.0.0.2:6881": 20 });
  assert.equal(statistics.download.total, 35);
});

Deno.test("Statistics counts only so many sources one by one", () => {
  const statistics = new Statistics({ uploaded: 0, downloaded: 0 });
  for (let port = 1; port <= CONNECTIONS.countedSources + 5; port++) {
    statistics.received(1, `10.0.0.1:${port}`, 0);
  }
  statistics.received(1, "10.0.0.1:1", 0);
  const { sources } = statistics;
  assert.equal(Object.keys(sources).length, CONNECTIONS.countedSources + 1);
  assert.deepEqual([sources["10.0.0.1:1"], sources.others], [2, 5]);
});
