/** What is tried with every client and every tracker: the columns of the two matrices, and how a cell is filled. */
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../lib/errors.ts";
import { Arena, type ArenaNetwork, freePort } from "./arena.ts";
import type { Availability, InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";
import { LanNetwork } from "./lan_network.ts";
import type { OurPeer } from "./our_peer.ts";
import type { InteropTracker } from "./trackers.ts";

/** Transmission alone takes up to 15 s before it connects; 8 MiB over loopback take none. */
const PATIENCE_MS = 60_000;

/** Clients send their first peer exchange up to 90 s after they connected. */
const EXCHANGE_PATIENCE_MS = 150_000;
/** Who gets so little is no seeder before the cell is over. */
const TRICKLE = "--max-download=10K";

/** One thing to try with a `Subject`, a client or a tracker. `run` throws an `Error` that says what went wrong. */
export interface Column<Subject> {
  /** Whether it takes minutes, as clients exchange peers once a minute: left to `deno task interop`. */
  readonly isSlow?: boolean;
  readonly name: string;
  /** Where it is tried; a network of its own unless told otherwise. */
  readonly openNetwork?: () => Promise<ArenaNetwork>;
  run(subject: Subject, arena: Arena): Promise<void>;
}

/** What stands in a cell. */
export type Outcome =
  | { readonly is: "pass"; readonly seconds: number }
  | { readonly is: "fail"; readonly reason: string }
  /** The client is unable to do it, as its documentation says, or is not installed. */
  | { readonly is: "cannot" | "missing"; readonly reason: string };

/** What is tried with every client, from left to right. */
export const clientColumns: readonly Column<InteropClient>[] = [
  { name: "from us", run: (client, arena) => downloadFromUs(client, arena, Content.singleFile()) },
  { name: "to us", run: (client, arena) => uploadToUs(client, arena, Content.singleFile()) },
  { name: "folder from us", run: (client, arena) => downloadFromUs(client, arena, Content.folder()) },
  { name: "folder to us", run: (client, arena) => uploadToUs(client, arena, Content.folder()) },
  {
    name: "encrypted from us",
    run: (client, arena) => downloadFromUs(client, arena, Content.singleFile(), true),
  },
  { name: "encrypted to us", run: (client, arena) => uploadToUs(client, arena, Content.singleFile(), true) },
  { name: "magnet from us", run: magnetFromUs },
  { name: "magnet to us", run: magnetToUs },
  { name: "PEX from us", isSlow: true, openNetwork: () => LanNetwork.open(4), run: exchangeFromUs },
  { name: "PEX to us", isSlow: true, openNetwork: () => LanNetwork.open(4), run: exchangeToUs },
  { name: "LSD", openNetwork: () => LanNetwork.open(2), run: discoverLocally },
];

/** What is tried with every tracker. */
export const trackerColumns: readonly Column<InteropTracker>[] = [
  { name: "HTTP", run: (tracker, arena) => meetThrough(tracker, arena, "http") },
  { name: "UDP", run: (tracker, arena) => meetThrough(tracker, arena, "udp") },
];

/** Fills one cell in an arena of its own. */
export async function tryCell<Subject extends InteropClient | InteropTracker>(
  column: Column<Subject>,
  subject: Subject,
  found: Availability,
): Promise<Outcome> {
  if ("missing" in found) return { is: "missing", reason: found.missing };
  const inability = "cannot" in subject ? subject.cannot[column.name] : undefined;
  if (inability !== undefined) return { is: "cannot", reason: inability };
  try {
    await using arena = await Arena.open(await column.openNetwork?.());
    const start = performance.now();
    await column.run(subject, arena);
    return { is: "pass", seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    return { is: "fail", reason: messageOf(error) };
  }
}

/** We seed and are the tracker; they download. With `mustEncrypt` they talk to encrypted peers only. */
async function downloadFromUs(
  client: InteropClient,
  arena: Arena,
  content: Content,
  mustEncrypt = false,
): Promise<void> {
  const trackerPort = freePort();
  const torrent = await arena.torrentOf(content, [`http://${arena.address}:${trackerPort}/announce`]);
  const us = await arena.join({ torrent, content, trackerPort });
  const them = await arena.joinAs(client, { torrent, mustEncrypt });
  await content.arrivesIn(them.folder, PATIENCE_MS, [us.process, them.process], client.omitsEmptyFiles);
}

/** We are the tracker and have nothing; they seed. With `mustEncrypt` they talk to encrypted peers only. */
async function uploadToUs(
  client: InteropClient,
  arena: Arena,
  content: Content,
  mustEncrypt = false,
): Promise<void> {
  const trackerPort = freePort();
  const torrent = await arena.torrentOf(content, [`http://${arena.address}:${trackerPort}/announce`]);
  const us = await arena.join({ torrent, trackerPort });
  const them = await arena.joinAs(client, { torrent, content, mustEncrypt });
  await content.arrivesIn(us.shareable, PATIENCE_MS, [us.process, them.process]);
  await us.whenEvent("complete", PATIENCE_MS);
}

/** We seed and are the tracker; they have a magnet link and get the metadata from us. */
async function magnetFromUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const trackerPort = freePort();
  const announce = [`http://${arena.address}:${trackerPort}/announce`];
  const torrent = await arena.torrentOf(content, announce);
  const us = await arena.join({ torrent, content, trackerPort });
  const them = await arena.joinAs(client, { torrent: content.magnet(announce) });
  await content.arrivesIn(them.folder, PATIENCE_MS, [us.process, them.process]);
}

/** We are the tracker and have a magnet link; they seed, and we get the metadata from them. */
async function magnetToUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const trackerPort = freePort();
  const announce = [`http://${arena.address}:${trackerPort}/announce`];
  const us = await arena.join({ torrent: content.magnet(announce), trackerPort });
  const them = await arena.joinAs(client, { torrent: await arena.torrentOf(content, announce), content });
  await content.arrivesIn(us.shareable, PATIENCE_MS, [us.process, them.process]);
}

/**
 * A tracker knows them and one of us, who has next to nothing. Of the seeder, who is another one of us, they can hear
 * by peer exchange only.
 */
async function exchangeFromUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const { tracker, announce } = await openTracker(arena);
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
async function exchangeToUs(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const { announce } = await openTracker(arena);
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
  const knownEndpoint = await known.endpoint();
  await us.whenEvent(
    "peers",
    EXCHANGE_PATIENCE_MS,
    ({ source, peers }) => source === "pex" && (peers as string[]).includes(knownEndpoint),
  );
}

/** One of us that is a tracker for everybody and nothing else. */
async function openTracker(arena: Arena): Promise<{ tracker: OurPeer; announce: string[] }> {
  const trackerPort = freePort();
  const tracker = await arena.join({ trackerPort, args: ["--open-tracker", "--no-lsd"] });
  return { tracker, announce: [`http://${arena.address}:${trackerPort}/announce`] };
}

/** There is no tracker; we seed. */
async function discoverLocally(client: InteropClient, arena: Arena): Promise<void> {
  const content = Content.singleFile();
  const torrent = await arena.torrentOf(content, []);
  const us = await arena.join({ torrent, content });
  const them = await arena.joinAs(client, { torrent, localDiscovery: true });
  await content.arrivesIn(them.folder, PATIENCE_MS, [us.process, them.process]);
}

/** Two of us, one of them a seeder, find each other by a tracker of somebody else. */
async function meetThrough(tracker: InteropTracker, arena: Arena, scheme: "http" | "udp"): Promise<void> {
  const content = Content.singleFile();
  const { port, process } = await arena.track(tracker, content);
  const torrent = await arena.torrentOf(content, [`${scheme}://${arena.address}:${port}/announce`]);
  const seeder = await arena.join({ torrent, content, args: ["--no-lsd"] });
  const leecher = await arena.join({ torrent, args: ["--no-lsd"] });
  await content.arrivesIn(leecher.shareable, PATIENCE_MS, [process, seeder.process, leecher.process]);
}
