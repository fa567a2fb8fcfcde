/** Keeps the user's choice of a torrent's files: it holds for the torrent, not for one run of the program. */
import type { KeptChoice, ResumeStore } from "../../disk/state/resume_store.ts";
import { inSlices } from "../../disk/time_slices.ts";
import { messageOf, StorageError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { inForce } from "../../precedence.ts";
import {
  EVERYTHING,
  type FileChoice,
  fileSelecting,
  type FileSelection,
} from "../../swarm/download/file_selection.ts";

/** The user's wishes for files in this run; a member that is missing or undefined stays as it was for each torrent. */
export type FileWishes =
  & { readonly [Name in keyof FileChoice]?: FileChoice[Name] | undefined }
  & {
    /** The wanted files by position in the torrent, instead of globs. */
    readonly positions?: readonly FileRange[] | undefined;
    /** The files that are fetched before the others by position, instead of globs. */
    readonly firstPositions?: readonly FileRange[] | undefined;
  };

/** Whether wishes name the wanted files, in any way. */
export function namesWanted({ only, skip, positions }: FileWishes): boolean {
  return only !== undefined || skip !== undefined || positions !== undefined;
}

/**
 * The kept choice with the wishes of this run. `only`, `skip` and `positions` say together which files are wanted, so
 * they are replaced together; so are `first` and `firstPositions`. A magnet link names the files of `selectOnly`, an
 * empty list for all; wishes for positions come before it.
 */
export function withWishes(
  kept: KeptChoice,
  wishes: FileWishes,
  selectOnly: readonly FileRange[],
): KeptChoice {
  const { only = [], skip = [], positions = selectOnly } = wishes;
  const { first = [], firstPositions = [], isSequential = kept.isSequential } = wishes;
  const isFirstNamed = wishes.first !== undefined || wishes.firstPositions !== undefined;
  return {
    ...kept,
    ...(namesWanted(wishes) || selectOnly.length > 0 ? { only, skip, positions } : {}),
    ...(isFirstNamed ? { first, firstPositions } : {}),
    isSequential,
  };
}

/** Whether any wish is said. */
export function isSaid(wishes: FileWishes, positions: readonly FileRange[]): boolean {
  return positions.length > 0 || Object.values(wishes).some((wish) => wish !== undefined);
}

/** Keeps the wishes for the files of a torrent whose metadata is not there yet. */
export async function keepWishes(
  infoHash: InfoHash,
  wishes: FileWishes,
  positions: readonly FileRange[],
  resume: ResumeStore,
): Promise<void> {
  await resume.saveChoice(infoHash, withWishes(await resume.choice(infoHash), wishes, positions));
}

/** The choice in force for a torrent: where nothing was chosen for it, the settings of `peer.toml` hold. */
function choiceInForce(
  chosen: KeptChoice,
  configured: FileWishes,
): FileChoice & Pick<KeptChoice, "positions" | "firstPositions"> {
  const { only, skip, positions, first, firstPositions, isSequential } = chosen;
  const isSaid = [only, skip, positions].some((list) => list.length > 0);
  const isFirstSaid = first.length > 0 || firstPositions.length > 0;
  const kept = {
    ...(isSaid ? { only, skip, positions } : {}),
    ...(isFirstSaid ? { first, firstPositions } : {}),
    isSequential,
  };
  return inForce({ kept, file: configured, defaults: { ...EVERYTHING, positions: [], firstPositions: [] } });
}

/** The parts of a session that choosing needs. */
export interface ChoosingContext {
  readonly resume: ResumeStore;
  readonly surroundings: { readonly log: Logger };
  /** The settings of `peer.toml`. */
  readonly configuredFiles: FileWishes;
}

/**
 * Selects the files of a torrent by the choices of earlier runs and of this one, and keeps them for later runs. The
 * settings of `peer.toml` hold where nothing was chosen, and are not kept. A failure to keep
 * choices is logged, or thrown as `StorageError` where they are an order that waits for it (`isOrder`).
 *
 * Errors: `RangeError` when no file would be wanted; then nothing is kept.
 */
export async function chooseFiles(
  metainfo: Metainfo,
  wishes: FileWishes,
  positions: readonly FileRange[],
  { resume, surroundings: { log }, configuredFiles }: ChoosingContext,
  isOrder = false,
): Promise<FileSelection> {
  const { infoHash, name } = metainfo;
  const kept = await resume.choice(infoHash);
  const choice = withWishes(kept, wishes, positions);
  const holding = choiceInForce(choice, configuredFiles);
  const selection = await inSlices(
    fileSelecting(metainfo, holding, holding.positions, holding.firstPositions),
  );
  if (JSON.stringify(choice) !== JSON.stringify(kept)) {
    await resume.saveChoice(infoHash, choice).catch((error) => {
      const message = `cannot keep what was chosen of ${name}: ${messageOf(error)}`;
      if (isOrder) throw new StorageError(message);
      log.warn(message);
    });
  }
  return selection;
}
