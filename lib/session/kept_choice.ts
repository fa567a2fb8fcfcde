/** What is chosen of a torrent's files holds for the torrent, not for one run of the program. */
import type { KeptChoice, ResumeStore } from "../disk/state/resume_store.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { FileRange } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { type FileChoice, type FileSelection, selectFiles } from "../swarm/download/file_selection.ts";

/** What the user says of files in this run; what is left out is as it was for each torrent. */
export type FileWishes = Partial<FileChoice>;

/**
 * A choice with the wishes of this run. Which files are wanted is one matter, so that `only`, `skip` and the files a
 * magnet link names (`positions`) are replaced together; what comes first, and in which order, are two others.
 */
export function withWishes(
  kept: KeptChoice,
  { only, skip, first, isSequential }: FileWishes,
  positions: readonly FileRange[],
): KeptChoice {
  const isSaid = only !== undefined || skip !== undefined || positions.length > 0;
  const wanted = isSaid ? { only: only ?? [], skip: skip ?? [], positions } : kept;
  return {
    only: wanted.only,
    skip: wanted.skip,
    positions: wanted.positions,
    first: first ?? kept.first,
    isSequential: isSequential ?? kept.isSequential,
  };
}

/** Keeps what is chosen of the files of a torrent whose metadata is not there yet. */
export async function keepWishes(
  infoHash: InfoHash,
  wishes: FileWishes,
  positions: readonly FileRange[],
  resume: ResumeStore,
): Promise<void> {
  await resume.saveChoice(infoHash, withWishes(await resume.choice(infoHash), wishes, positions));
}

/**
 * Finds the files that are wanted of a torrent by what was chosen earlier and in this run, and keeps that for later
 * runs; that it cannot be kept is logged.
 *
 * Errors: `RangeError` when no file is left to be wanted, and nothing is kept then.
 */
export async function chooseFiles(
  metainfo: Metainfo,
  wishes: FileWishes,
  positions: readonly FileRange[],
  { resume, log }: { readonly resume: ResumeStore; readonly log: Logger },
): Promise<FileSelection> {
  const { infoHash, name } = metainfo;
  const kept = await resume.choice(infoHash);
  const choice = withWishes(kept, wishes, positions);
  const selection = selectFiles(metainfo, choice, choice.positions);
  if (JSON.stringify(choice) !== JSON.stringify(kept)) {
    await resume.saveChoice(infoHash, choice).catch((error) => {
      log.warn(`cannot keep what was chosen of ${name}: ${messageOf(error)}`);
    });
  }
  return selection;
}
