import type { Bitfield } from "../protocol/bitfield.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { FileSelection } from "./download/file_selection.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Policy } from "./policy.ts";
import type { PieceStorage, RateLimits, SwarmEvent } from "./ports.ts";

/** What a swarm is built from. */
export interface SwarmOptions {
  readonly metainfo: Metainfo;
  readonly selection: FileSelection;
  readonly storage: PieceStorage;
  /** Pieces that are stored already. The swarm keeps this object and updates it. */
  readonly stored: Bitfield;
  /** Whether all wanted data is in its final place already. */
  readonly isFinished: boolean;
  /** Whether an announce address is this process's own tracker at the start. */
  readonly isAnnouncer: boolean;
  /** Bytes uploaded and downloaded in earlier runs. */
  readonly totals: { readonly uploaded: number; readonly downloaded: number };
  readonly policy: Policy;
  readonly limits: RateLimits;
  readonly surroundings: Surroundings;
  report(event: SwarmEvent): void;
  /** When the swarm began, in ms. */
  readonly startedAt: number;
}
