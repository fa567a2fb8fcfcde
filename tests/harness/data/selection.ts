/** Choices of files, applied at once. */
import type { FileRange } from "../../../lib/protocol/magnet.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { finish } from "../../../lib/protocol/steps.ts";
import {
  EVERYTHING,
  type FileChoice,
  fileSelecting,
  type FileSelection,
} from "../../../lib/swarm/download/file_selection.ts";

/** Does what `fileSelecting` does, without pauses. What the choice does not say is as in `EVERYTHING`. */
export function selectFiles(
  metainfo: Metainfo,
  choice: Partial<FileChoice> = {},
  positions: readonly FileRange[] = [],
  firstPositions: readonly FileRange[] = [],
): FileSelection {
  return finish(fileSelecting(metainfo, { ...EVERYTHING, ...choice }, positions, firstPositions));
}
