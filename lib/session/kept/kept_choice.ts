/** Keeps the user's choice of a torrent's files: it holds for the torrent, not for one run of the program. */
import type { KeptChoice, ResumeStore } from "../../disk/state/resume_store.ts";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { inForce } from "../../precedence.ts";
import {
  EVERYTHING,
  type FileChoice,
  type FileSelection,
  selectFiles,
} from "../../swarm/download/file_selection.ts";

/** The user's wishes for files in this run; a member that is missing or undefined stays as it was for each torrent. */
export type FileWishes = { readonly [Name in keyof FileChoice]?: FileChoice[Name] | undefined };

/**
 * The kept choice with the wishes of this run. `only`, `skip` and the files that a magnet link names (`positions`) say
 * together which files are wanted, so they are replaced together; `first` and `isSequential` are replaced one by one.
 */
export function withWishes(
  kept: KeptChoice,
  { only, skip, first, isSequential }: FileWishes,
  positions: readonly FileRange[],
): KeptChoice {
  const isNamed = only !== undefined || skip !== undefined || positions.length > 0;
  const wanted = isNamed ? { only: only ?? [], skip: skip ?? [], positions } : kept;
  return { ...wanted, first: first ?? kept.first, isSequential: isSequential ?? kept.isSequential };
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
): FileChoice & Pick<KeptChoice, "positions"> {
  const { only, skip, positions, first, isSequential } = chosen;
  const isSaid = [only, skip, positions].some((list) => list.length > 0);
  const kept = {
    ...(isSaid ? { only, skip, positions } : {}),
    first: first.length > 0 ? first : undefined,
    isSequential,
  };
  return inForce({ kept, file: configured, defaults: { ...EVERYTHING, positions: [] } });
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
 * settings of `peer.toml` hold where nothing was chosen, and are not kept. A failure to keep choices is logged.
 *
 * Errors: `RangeError` when no file would be wanted; then nothing is kept.
 */
export async function chooseFiles(
  metainfo: Metainfo,
  wishes: FileWishes,
  positions: readonly FileRange[],
  { resume, surroundings: { log }, configuredFiles }: ChoosingContext,
): Promise<FileSelection> {
  const { infoHash, name } = metainfo;
  const kept = await resume.choice(infoHash);
  const choice = withWishes(kept, wishes, positions);
  const holding = choiceInForce(choice, configuredFiles);
  const selection = selectFiles(metainfo, holding, holding.positions);
  if (JSON.stringify(choice) !== JSON.stringify(kept)) {
    await resume.saveChoice(infoHash, choice).catch((error) => {
      log.warn(`cannot keep what was chosen of ${name}: ${messageOf(error)}`);
    });
  }
  return selection;
}
