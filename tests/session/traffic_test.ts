import assert from "node:assert/strict";
import { Traffic } from "../../lib/session/traffic.ts";
import { fakeInfoHash } from "../harness/sessions/snapshots.ts";

Deno.test("Traffic counts what all torrents move, also those that leave or join anew", () => {
  const traffic = new Traffic({ uploaded: 1_000, downloaded: 2_000 });
  const mover = (digit: string, uploaded: number, downloaded: number) => ({
    infoHash: fakeInfoHash(digit),
    moved: { uploaded, downloaded },
  });
  traffic.count([mover("a", 10, 0), mover("b", 0, 5)], 0);
  traffic.count([mover("a", 30, 7)], 1_000);
  traffic.count([mover("a", 2, 7)], 2_000);
  const { uploaded, downloaded, uploadedEver, downloadedEver } = traffic.snapshot(2_000);
  assert.deepEqual([uploaded, downloaded, uploadedEver, downloadedEver], [32, 19, 1_032, 2_019]);
});
