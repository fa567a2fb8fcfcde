/** Cells in which peers find each other without a tracker: by peer exchange (BEP 11), by multicast (BEP 14). */
import { setTimeout as delay } from "node:timers/promises";
import { type Arena, PATIENCE_MS } from "./arena.ts";
import type { InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";

/** Clients send their first peer exchange up to 90 s after they connected. */
const EXCHANGE_PATIENCE_MS = 240_000;
/** Who gets so little is no seeder before the cell is over; any less, and exchanges wait long behind the blocks. */
const TRICKLE = "--max-download=30K";

/**
 * A tracker knows them and one of us, who has next to nothing. Of the seeder, who is another one of us, they can hear
 * by peer exchange only.
 */
export async function exchangeFromUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const { tracker, announce } = await arena.openTracker("http");
  const quiet = await arena.torrentOf(content, []);
  const seeder = await arena.join({ torrent: quiet, content, args: ["--no-lsd"], isElsewhere: true });
  const torrent = await arena.torrentOf(content, announce);
  const between = await arena.join({
    torrent,
    args: ["--no-lsd", TRICKLE, `--peer=${await seeder.endpoint()}`],
    isElsewhere: true,
  });
  const them = await arena.joinAs(client, { torrent });
  const processes = [tracker, seeder, between].map(({ process }) => process);
  await content.arrivesIn(them.folder, EXCHANGE_PATIENCE_MS, [...processes, them.process]);
}

/** A tracker knows them, who seed, and one of us. Another one of us knows them alone and hears of the rest by them. */
export async function exchangeToUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const { announce } = await arena.openTracker("http");
  const torrent = await arena.torrentOf(content, announce);
  const them = await arena.joinAs(client, { torrent, content });
  const quiet = await arena.torrentOf(content, []);
  const us = await arena.join({
    torrent: quiet,
    args: ["--no-lsd", TRICKLE, `--peer=${them.endpoint}`],
    isElsewhere: true,
  });
  await us.whenEvent("connected", PATIENCE_MS);
  // It comes later, as aria2 tells once a minute of those who came within that minute. It does not listen to them
  // itself, or it would come to us before we hear of it.
  await delay(5_000);
  const known = await arena.join({ torrent, args: ["--no-lsd", "--no-pex", TRICKLE], isElsewhere: true });
  await us.hears(await known.endpoint(), "pex", EXCHANGE_PATIENCE_MS);
}

/** There is no tracker; we seed, and they come to us or are called. */
export async function hearUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const torrent = await arena.torrentOf(content, []);
  const us = await arena.join({ torrent, content });
  const them = await arena.joinAs(client, { torrent, localDiscovery: true });
  await content.arrivesIn(them.folder, PATIENCE_MS, [us.process, them.process]);
}

/** There is no tracker; they seed, and we hear them. */
export async function hearThem(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const torrent = await arena.torrentOf(content, []);
  const us = await arena.join({ torrent });
  const them = await arena.joinAs(client, { torrent, content, localDiscovery: true });
  await us.hears(them.endpoint, "lsd", PATIENCE_MS);
  await content.arrivesIn(us.shareable, PATIENCE_MS, [us.process, them.process]);
}
