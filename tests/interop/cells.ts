/** What is tried with every client and every tracker: the columns of the two matrices, and how a cell is filled. */
import { messageOf } from "../../lib/errors.ts";
import { Arena, freePort } from "./arena.ts";
import type { Availability, InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";
import type { InteropTracker } from "./trackers.ts";

/** Transmission alone takes up to 15 s before it connects; 8 MiB over loopback take none. */
const PATIENCE_MS = 60_000;

/** One thing to try with a `Subject`, a client or a tracker. `run` throws an `Error` that says what went wrong. */
export interface Column<Subject> {
  readonly name: string;
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
    await using arena = await Arena.open();
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

/** Two of us, one of them a seeder, find each other by a tracker of somebody else. */
async function meetThrough(tracker: InteropTracker, arena: Arena, scheme: "http" | "udp"): Promise<void> {
  const content = Content.singleFile();
  const { port, process } = await arena.track(tracker, content);
  const torrent = await arena.torrentOf(content, [`${scheme}://${arena.address}:${port}/announce`]);
  const seeder = await arena.join({ torrent, content });
  const leecher = await arena.join({ torrent });
  await content.arrivesIn(leecher.shareable, PATIENCE_MS, [process, seeder.process, leecher.process]);
}
