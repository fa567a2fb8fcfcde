/** The columns of the matrix: what is tried with every client, and how one cell is filled. */
import { messageOf } from "../../lib/errors.ts";
import { ADDRESS, Arena, freePort } from "./arena.ts";
import type { Availability, InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";

/** Transmission alone takes up to 15 s before it connects; 8 MiB over loopback take none. */
const PATIENCE_MS = 60_000;

/** One thing to try with a client. `run` throws an `Error` that says what went wrong. */
export interface Column {
  readonly name: string;
  run(client: InteropClient, arena: Arena): Promise<void>;
}

/** What stands in a cell. */
export type Outcome =
  | { readonly is: "pass"; readonly seconds: number }
  | { readonly is: "fail"; readonly reason: string }
  /** The client is unable to do it, as its documentation says, or is not installed. */
  | { readonly is: "cannot" | "missing"; readonly reason: string };

/** All columns, from left to right. */
export const columns: readonly Column[] = [
  { name: "from us", run: (client, arena) => downloadFromUs(client, arena, Content.singleFile()) },
  { name: "to us", run: (client, arena) => uploadToUs(client, arena, Content.singleFile()) },
  { name: "folder from us", run: (client, arena) => downloadFromUs(client, arena, Content.folder()) },
  { name: "folder to us", run: (client, arena) => uploadToUs(client, arena, Content.folder()) },
];

/** Fills one cell in an arena of its own. */
export async function tryCell(column: Column, client: InteropClient, found: Availability): Promise<Outcome> {
  if ("missing" in found) return { is: "missing", reason: found.missing };
  const inability = client.cannot[column.name];
  if (inability !== undefined) return { is: "cannot", reason: inability };
  const start = performance.now();
  try {
    await using arena = await Arena.open();
    await column.run(client, arena);
  } catch (error) {
    return { is: "fail", reason: messageOf(error) };
  }
  return { is: "pass", seconds: (performance.now() - start) / 1000 };
}

/** We seed and are the tracker; they download. */
async function downloadFromUs(client: InteropClient, arena: Arena, content: Content): Promise<void> {
  const trackerPort = freePort();
  const torrent = await arena.torrentOf(content, [`http://${ADDRESS}:${trackerPort}/announce`]);
  const us = await arena.join({ torrent, content, trackerPort });
  const them = await arena.joinAs(client, { torrent });
  await content.arrivesIn(them.folder, PATIENCE_MS, [us.process, them.process]);
}

/** We are the tracker and have nothing; they seed. */
async function uploadToUs(client: InteropClient, arena: Arena, content: Content): Promise<void> {
  const trackerPort = freePort();
  const torrent = await arena.torrentOf(content, [`http://${ADDRESS}:${trackerPort}/announce`]);
  const us = await arena.join({ torrent, trackerPort });
  const them = await arena.joinAs(client, { torrent, content });
  await content.arrivesIn(us.shareable, PATIENCE_MS, [us.process, them.process]);
  await us.whenEvent("complete", PATIENCE_MS);
}
