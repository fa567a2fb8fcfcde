import { setTimeout as pause } from "node:timers/promises";
import { STORAGE } from "../../lib/settings.ts";
import type { Life } from "./life.ts";
import type { Aim } from "./workloads.ts";

/** Flushes come with the first tick after they are due, and take a while; this long is killed around them. */
const FLUSH_SPREAD_MS = 300;
/** The last piece is stored about when the rate says; the sync and the move follow. */
const BEFORE_MOVE_MS = 300;
const MOVE_SPREAD_MS = 1_200;
const MOVE_POLL_MS = 2;
/** A move of many files takes some milliseconds. */
const RENAME_SPREAD_MS = 20;
const COMPLETE_SPREAD_MS = 200;

/** What a moment is computed from. */
interface MomentContext {
  readonly life: Life;
  /** How long the last process took to listen, and then to look at its data. */
  readonly startMs: number;
  readonly checkMs: number;
  /** How long the rest of the download takes, once all torrents were joined. */
  remainingMs(): number;
  random(): number;
}

/**
 * Resolves at a random moment of the part of a life that is aimed at, or soon after all is complete.
 * Rejects when the life is over before.
 */
export async function momentFor(aim: Aim, context: MomentContext): Promise<void> {
  const { life, random } = context;
  const wait = (ms: number) => pause(ms, undefined, { signal: life.over });
  const afterComplete = life.complete.promise.then(() => wait(random() * COMPLETE_SPREAD_MS));
  await Promise.race([momentOf(aim, context, wait), afterComplete]);
}

async function momentOf(
  aim: Aim,
  context: MomentContext,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  const { life, random } = context;
  switch (aim) {
    case "start-up":
      return await wait(random() * context.startMs);
    case "checking":
      await life.ready.promise;
      return await wait(random() * context.checkMs);
    case "downloading":
      await life.joined.promise;
      return await wait(random() * context.remainingMs());
    case "noting":
      await life.ready.promise;
      return await wait(
        Math.ceil(random() * 3) * STORAGE.noteWrittenMs + random() * FLUSH_SPREAD_MS,
      );
    case "syncing":
      // The first flush that finds something syncs; the next sync follows `STORAGE.syncMs` later.
      await life.ready.promise;
      return await wait(
        STORAGE.noteWrittenMs + Math.floor(random() * 2) * STORAGE.syncMs + random() * FLUSH_SPREAD_MS,
      );
    case "moving":
      await life.joined.promise;
      if (random() < 0.5) {
        while (!life.isMoving) await wait(MOVE_POLL_MS);
        return await wait(random() * RENAME_SPREAD_MS);
      }
      return await wait(Math.max(0, context.remainingMs() - BEFORE_MOVE_MS + random() * MOVE_SPREAD_MS));
    case "complete":
      await life.complete.promise;
      return await wait(random() * COMPLETE_SPREAD_MS);
  }
}
