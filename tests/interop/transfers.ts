/** Cells in which one side has the data and the other gets it, by one of our trackers or one of theirs. */
import { type Arena, PATIENCE_MS } from "./arena.ts";
import type { InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";
import type { InteropTracker } from "./trackers.ts";

/** We seed and are the tracker; they download. With `mustEncrypt` they talk to encrypted peers only. */
export async function downloadFromUs(
  client: InteropClient,
  arena: Arena,
  content: Content,
  mustEncrypt = false,
): Promise<void> {
  const { trackerPort, announce } = arena.chooseTracker();
  const torrent = await arena.torrentOf(content, announce);
  const us = await arena.join({ torrent, content, trackerPort });
  const them = await arena.joinAs(client, { torrent, mustEncrypt });
  await content.arrivesIn(
    them.folder,
    PATIENCE_MS,
    [us.process, them.process],
    client.omitsEmptyFiles !== undefined,
  );
}

/** We are the tracker and have nothing; they seed. With `mustEncrypt` they talk to encrypted peers only. */
export async function uploadToUs(
  client: InteropClient,
  arena: Arena,
  content: Content,
  mustEncrypt = false,
): Promise<void> {
  const { trackerPort, announce } = arena.chooseTracker();
  const torrent = await arena.torrentOf(content, announce);
  const us = await arena.join({ torrent, trackerPort });
  const them = await arena.joinAs(client, { torrent, content, mustEncrypt });
  await content.arrivesIn(us.shareable, PATIENCE_MS, [us.process, them.process]);
  await us.whenEvent("complete", PATIENCE_MS);
}

/** We seed and are the tracker; they have a magnet link and get the metadata from us. */
export async function magnetFromUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const { trackerPort, announce } = arena.chooseTracker();
  const torrent = await arena.torrentOf(content, announce);
  const us = await arena.join({ torrent, content, trackerPort });
  const them = await arena.joinAs(client, { torrent: content.magnet(announce) });
  await content.arrivesIn(them.folder, PATIENCE_MS, [us.process, them.process]);
}

/** We are the tracker and have a magnet link; they seed, and we get the metadata from them. */
export async function magnetToUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const { trackerPort, announce } = arena.chooseTracker();
  const us = await arena.join({ torrent: content.magnet(announce), trackerPort });
  const them = await arena.joinAs(client, { torrent: await arena.torrentOf(content, announce), content });
  await content.arrivesIn(us.shareable, PATIENCE_MS, [us.process, them.process]);
}

/** We are a tracker and nothing else; two of theirs, one of them a seeder, find each other by it. */
export async function meetByUs(client: InteropClient, arena: Arena, scheme: "http" | "udp"): Promise<void> {
  const content = Content.singleFile();
  const { tracker, announce } = await arena.openTracker(scheme);
  const torrent = await arena.torrentOf(content, announce);
  const seeder = await arena.joinAs(client, { torrent, content });
  const leecher = await arena.joinAs(client, { torrent });
  const processes = [tracker, seeder, leecher].map(({ process }) => process);
  await content.arrivesIn(leecher.folder, PATIENCE_MS, processes);
}

/** Two of us, one of them a seeder, find each other by a tracker of somebody else. */
export async function meetByTheirs(
  tracker: InteropTracker,
  arena: Arena,
  scheme: "http" | "udp",
): Promise<void> {
  const content = Content.singleFile();
  const { port, process } = await arena.track(tracker, content);
  const torrent = await arena.torrentOf(content, [`${scheme}://${arena.address}:${port}/announce`]);
  const seeder = await arena.join({ torrent, content, args: ["--no-lsd"] });
  const leecher = await arena.join({ torrent, args: ["--no-lsd"] });
  await content.arrivesIn(leecher.shareable, PATIENCE_MS, [process, seeder.process, leecher.process]);
}
