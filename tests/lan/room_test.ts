/** The announcer of a room knows every host, which one is slow, and why; the page of a real process shows the same. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ControlClient } from "../../lib/api/client.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { ClassRoom } from "./class_room.ts";

const data = randomBytes(24 * 1024 * 1024, 17);

interface Seen {
  readonly endpoint: string;
  readonly name?: string;
  readonly client: string;
  readonly state: string;
  readonly slow?: string;
  readonly goneSince?: number;
  readonly doneAt?: number;
  readonly part: number;
}

/** What the process in a home tells of the hosts of its only torrent, by the number of the host. */
async function hostsSeen(
  room: ClassRoom,
  client: ControlClient,
): Promise<(number: number) => Seen | undefined> {
  const { hosts } = await client.get(`/torrents/${room.described.infoHash}/hosts`) as unknown as {
    hosts: Seen[];
  };
  return (number) => hosts.find(({ endpoint }) => endpoint.startsWith(`${room.address(number)}:`));
}

/** Looks again until `holds`, for so many seconds. */
async function until(
  seconds: number,
  room: ClassRoom,
  client: ControlClient,
  holds: (seen: (number: number) => Seen | undefined) => boolean,
): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const seen = await hostsSeen(room, client);
    const passed = (performance.now() - startedAt) / 1_000;
    if (holds(seen)) return passed;
    const all = [0, 1, 2, 3, 4, 5, 6].map((number) => JSON.stringify(seen(number)));
    assert.ok(passed < seconds, `not within ${seconds} s:\n${all.join("\n")}`);
    await delay(250);
  }
}

needs("linux", "root", "ip", "tc", "aria2c")(
  "the announcer tells who is slow and why, who has gone, who is done, and what other programs do",
  async () => {
    await using room = await ClassRoom.of(7, data, true);
    await room.setRate(4, 3);
    const announcer = room.start(0, room.torrent, "--port=6881", "--max-upload=8M");
    await announcer.joined;
    const client = await ControlClient.open(room.home(0));
    try {
      const usual = [1, 2, 5].map((host) =>
        room.start(host, room.torrent, "--port=6881", `--name=pc-${host}`, "--max-download=2M")
      );
      const limited = room.start(3, room.torrent, "--port=6881", "--name=pc-3", "--max-download=200K");
      const linked = room.start(4, room.torrent, "--port=6881", "--name=pc-4");
      room.startAria2(6, "--listen-port=6881", "--max-download-limit=2M");
      await Promise.all([...usual, limited, linked].map(({ joined }) => joined));
      const told = await until(
        20,
        room,
        client,
        (seen) =>
          seen(3)?.slow === "its own limit" && seen(4)?.slow === "its network" &&
          [1, 2, 5].every((host) => seen(host)?.slow === undefined && seen(host)?.name === `pc-${host}`),
      );
      await usual[2].kill();
      const gone = await until(20, room, client, (seen) => seen(5)?.state === "gone");
      await Promise.all([usual[0].completed, usual[1].completed]);
      await until(
        20,
        room,
        client,
        (seen) => [1, 2].every((host) => seen(host)?.state === "done" && seen(host)?.doneAt !== undefined),
      );
      await until(60, room, client, (seen) => seen(6)?.state === "done");
      const seen = await hostsSeen(room, client);
      assert.match(seen(6)!.client, /^aria2/);
      assert.equal(seen(6)!.name, undefined);
      assert.ok(seen(5)!.goneSince! > 0 && seen(3)!.part < 1);
      console.log(`slow ones told after ${told.toFixed(1)} s, one killed after ${gone.toFixed(1)} s`);
      for (const run of [usual[0], usual[1], limited, linked]) assert.ok(await run.stop());
      await until(5, room, client, (seen) => [1, 2, 3, 4].every((host) => seen(host)?.state === "gone"));
    } finally {
      await client.close();
    }
    assert.ok(await announcer.stop());
  },
);
