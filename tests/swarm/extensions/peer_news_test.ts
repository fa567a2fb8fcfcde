import assert from "node:assert/strict";
import { CONNECTIONS } from "../../../lib/settings.ts";
import { PeerNews } from "../../../lib/swarm/extensions/peer_news.ts";

Deno.test("PeerNews tells at once, but of a flood only so much, and the rest a little later", () => {
  const { burst, perSecond } = CONNECTIONS.peerNews;
  const told: string[] = [];
  const news = new PeerNews((source) => told.push(source));
  news.changed("tracker", 0);
  assert.deepEqual(told, ["tracker"]);
  for (let i = 0; i < 1_000; i++) news.changed("broadcast", 0);
  news.changed("lsd", 0);
  assert.equal(told.length, burst);
  news.tick(1_000 / perSecond);
  assert.deepEqual([told.length, told.at(-1)], [burst + 1, "lsd"]);
  news.tick(10_000);
  assert.equal(told.length, burst + 1, "nothing is told twice");
});
