import assert from "node:assert/strict";
import { CONNECTIONS } from "../../lib/settings.ts";
import { RateMeter } from "../../lib/swarm/peers/rates.ts";
import { Statistics } from "../../lib/swarm/statistics.ts";

function senderOf(name: string, total: number) {
  const download = new RateMeter();
  download.total = total;
  return { name, download };
}

Deno.test("Statistics adds this run to earlier ones and says who gave how much", () => {
  const statistics = new Statistics({ uploaded: 100, downloaded: 1_000 });
  statistics.download.add(30, 0);
  statistics.download.add(5, 1_000);
  statistics.peerLeft(senderOf("10.0.0.1:6881", 10));
  statistics.peerLeft(senderOf("10.0.0.3:6881", 0));
  statistics.upload.add(7, 0);
  const { uploaded, downloaded } = statistics.snapshot(1_000);
  assert.deepEqual({ uploaded, downloaded }, { uploaded: 107, downloaded: 1_035 });
  const connected = [senderOf("10.0.0.2:6881", 20), senderOf("10.0.0.1:6881", 5)];
  const sources = { "10.0.0.1:6881": 15, "10.0.0.2:6881": 20 };
  assert.deepEqual(statistics.sources(connected), sources);
  assert.deepEqual(statistics.sources(connected), sources, "asked again");
  assert.equal(statistics.download.total, 35);
});

Deno.test("Statistics counts only so many sources one by one", () => {
  const statistics = new Statistics({ uploaded: 0, downloaded: 0 });
  for (let port = 1; port <= CONNECTIONS.countedSources + 5; port++) {
    statistics.peerLeft(senderOf(`10.0.0.1:${port}`, 1));
  }
  const sources = statistics.sources([senderOf("10.0.0.1:1", 1)]);
  assert.equal(Object.keys(sources).length, CONNECTIONS.countedSources + 1);
  assert.deepEqual([sources["10.0.0.1:1"], sources.others], [2, 5]);
});
