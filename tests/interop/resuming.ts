/** Cells in which one program begins a download, is stopped half way, and another one finishes on the same data. */
import { setTimeout as delay } from "node:timers/promises";
import { type Arena, PATIENCE_MS } from "./arena.ts";
import type { InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";
import type { RunningProcess } from "../harness/processes/running_process.ts";

/** How long a client may take to write what it was sent. */
const WRITING_MS = 10_000;

/** Someone who downloads. */
interface Downloader {
  readonly process: RunningProcess;
  /** Where its data lies while it is unfinished, and where in the end. */
  readonly unfinished: string;
  readonly finished: string;
}

type StartDownload = (torrent: string) => Promise<Downloader>;

/** They begin, and what they have lies in our `shareable/` as a damaged copy; we finish. */
export async function finishTheirs(client: InteropClient, arena: Arena): Promise<void> {
  const home = await arena.newFolder();
  const content = Content.folder();
  const theirs = startTheirs(client, arena, `${home}/shareable`);
  await handOver(arena, content, theirs, startOurs(arena, home, content));
}

/** We begin, and they start in the folder with our unfinished files; they finish. */
export async function finishOurs(client: InteropClient, arena: Arena): Promise<void> {
  const home = await arena.newFolder();
  const content = Content.folder();
  const ours = startOurs(arena, home, content);
  const theirs = startTheirs(client, arena, unfinishedFolder(home, content));
  await handOver(arena, content, ours, theirs, client.omitsEmptyFiles !== undefined);
}

function startOurs(arena: Arena, home: string, content: Content): StartDownload {
  return async (torrent) => {
    const { process, shareable } = await arena.join({ torrent, home });
    return { process, unfinished: unfinishedFolder(home, content), finished: shareable };
  };
}

function startTheirs(client: InteropClient, arena: Arena, folder: string): StartDownload {
  return async (torrent) => {
    await Deno.mkdir(folder, { recursive: true });
    const { process } = await arena.joinAs(client, { torrent, folder });
    return { process, unfinished: folder, finished: folder };
  };
}

function unfinishedFolder(home: string, { infoHash }: Content): string {
  return `${home}/state/tmp/${infoHash}`;
}

/**
 * Has `begin` download what one of us has, which is every other piece, and stopped then; and has `finish` finish when
 * everything is to be had.
 *
 * Errors: `Error` also when a byte was sent that was there already.
 */
async function handOver(
  arena: Arena,
  content: Content,
  begin: StartDownload,
  finish: StartDownload,
  omitsEmptyFiles = false,
): Promise<void> {
  const { trackerPort, announce } = arena.chooseTracker();
  const torrent = await arena.torrentOf(content, announce);
  const home = await arena.newFolder();
  await content.writeHalf(`${home}/shareable`);
  const there = content.length - await content.bytesMissingIn(`${home}/shareable`);
  const half = await arena.join({ torrent, home, trackerPort });
  const first = await begin(torrent);
  await half.whenEvent("progress", PATIENCE_MS, ({ uploaded }) => Number(uploaded) >= there);
  const missingNow = () => content.bytesMissingIn(first.unfinished);
  await writes(async () => await missingNow() < content.length);
  await first.process.stop();
  await half.process.stop();

  const missing = await missingNow();
  if (missing === content.length) throw new Error("Expected an unfinished download, got none");
  const seeder = await arena.join({ torrent, content, trackerPort });
  const second = await finish(torrent);
  await content.arrivesIn(second.finished, PATIENCE_MS, [seeder.process, second.process], omitsEmptyFiles);
  const sent = await seeder.uploaded(PATIENCE_MS);
  if (sent !== missing) throw new Error(`Expected ${missing} bytes sent, those missing, got ${sent}`);
}

/**
 * Waits until a client has written something, as one that is stopped with all it was sent in memory may lose it; or
 * for long enough, as some write only when they are stopped.
 */
async function writes(hasWritten: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + WRITING_MS;
  while (performance.now() < until && !await hasWritten()) await delay(100);
}
