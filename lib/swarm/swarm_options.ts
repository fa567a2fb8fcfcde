import type { Bitfield } from "../protocol/bitfield.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { FileSelection } from "./download/file_selection.ts";
import type { PieceStorage, SwarmEvent } from "./ports.ts";

/** What a swarm is built from. */
export interface SwarmOptions {
  readonly metainfo: Metainfo;
  readonly selection: FileSelection;
  readonly storage: PieceStorage;
  /** Pieces that are stored already; kept and kept up to date. */
  readonly stored: Bitfield;
  /** Whether all wanted data is in its final place already. */
  readonly isFinished: boolean;
  /** Whether an announce address is this process's own tracker. */
  readonly isAnnouncer: boolean;
  /** Whether, having everything, we show each piece to one peer only at first (BEP 16). */
  readonly superSeeds: boolean;
  readonly uploadSlots: number;
  readonly downloadSources: number;
  readonly rechokeMs: number;
  /** Whether peers are exchanged (BEP 11); never in a private torrent. */
  readonly peerExchange: boolean;
  /** Bytes uploaded and downloaded in earlier runs. */
  readonly totals: { readonly uploaded: number; readonly downloaded: number };
  /** What we tell every remote peer about ourselves. */
  readonly self: {
    readonly peerId: Uint8Array;
    readonly client: string;
    readonly listenPort: number;
    readonly trackerPort: number | undefined;
    readonly prefersEncryption?: boolean;
  };
  /** Whether an endpoint is where this very process listens. */
  isOurselves(endpoint: Endpoint): boolean;
  /** Whether the user wants nothing to do with a canonical address; undefined: with none. */
  readonly isBlocked?: (address: string) => boolean;
  /** Numbers in [0, 1). */
  random(): number;
  report(event: SwarmEvent): void;
  /** When it began, in ms. */
  readonly startedAt: number;
}
