/**
 * What a torrent's swarm looks like from near: its files and its pieces, computed when somebody looks. In steps, since a
 * torrent may have 200,000 files and two million pieces; what changes meanwhile may be seen as it was or as it is.
 */
import type { Bitfield } from "../protocol/bitfield.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { Steps } from "../protocol/steps.ts";
import { type ActivePiece, NOBODY } from "./download/block_routing.ts";
import type { FileSelection } from "./download/file_selection.ts";
import type { RemotePeer } from "./peers/remote_peer.ts";

/** One file of a torrent. Padding has no view, so that positions may skip numbers. */
export interface FileView {
  /** Position in the torrent's list of files, from 0. */
  readonly position: number;
  /** Path within the torrent, with `/`; it begins with the torrent's name where there are several files. */
  readonly path: string;
  /** In bytes. */
  readonly length: number;
  /** Bytes of it in pieces that are stored. */
  readonly have: number;
  readonly isWanted: boolean;
  /** Whether it is fetched before the others. */
  readonly isFirst: boolean;
}

/** All pieces of a torrent at one moment. */
export interface PiecesView {
  /** Pieces that are stored, and pieces that are wanted; one bit each, as in BEP 3. */
  readonly have: Uint8Array;
  readonly wanted: Uint8Array;
  /** How many connected peers have each piece. */
  readonly availability: Uint16Array;
  /** The block routing table: pieces under way, oldest first; those that are being verified come last. */
  readonly active: readonly ActivePieceView[];
}

/** One piece under way. */
export interface ActivePieceView {
  readonly index: number;
  /** Blocks in the piece, and how many of them have arrived. */
  readonly blocks: number;
  readonly done: number;
  /** Names of the peers that delivered blocks, and of those that are asked for blocks. */
  readonly from: readonly string[];
  readonly asked: readonly string[];
}

/** Stands for a peer that has left among the senders of blocks. */
const DEPARTED = "a peer that left";

/** How many files and how many pieces are looked at in one step: about a millisecond. */
const FILES_PER_STEP = 1_000;
const PIECES_PER_STEP = 32_768;

/** The files of a torrent. `stored`: pieces that are stored; `selection`: undefined where all files are wanted. */
export function* viewFiles(
  { files, layout }: Pick<Metainfo, "files" | "layout">,
  stored: Bitfield | undefined,
  selection: Pick<FileSelection, "files" | "firstFiles"> | undefined,
): Steps<FileView[]> {
  const before = stored === undefined ? undefined : yield* storedBefore(stored);
  const haveOf = (file: number) => {
    const pieces = layout.piecesOf(file);
    if (before === undefined || pieces === undefined) return 0;
    const { first, last } = pieces;
    const start = layout.startOf(file);
    const end = start + files[file].length;
    const wasStored = (index: number) => before[index + 1] > before[index];
    // The first and the last piece may hold bytes of other files.
    let have = (before[last + 1] - before[first]) * layout.pieceLength;
    if (wasStored(first)) have -= start - layout.offsetOf(first);
    if (wasStored(last)) have -= layout.offsetOf(last + 1) - end;
    return have;
  };
  const views: FileView[] = [];
  for (const [position, { path, length, isPadding }] of files.entries()) {
    if (position % FILES_PER_STEP === 0) yield;
    if (isPadding) continue;
    const isWanted = selection?.files.has(position) ?? true;
    const isFirst = selection?.firstFiles.has(position) ?? false;
    // For 100,000 files this is several times as fast as `join`.
    const name = path.reduce((folder, part) => `${folder}/${part}`);
    views.push({ position, path: name, length, have: haveOf(position), isWanted, isFirst });
  }
  return views;
}

/** How many stored pieces stand before each piece; the last number is that of all. */
function* storedBefore(stored: Bitfield): Steps<Uint32Array> {
  const before = new Uint32Array(stored.length + 1);
  for (let index = 0; index < stored.length; index++) {
    if (index % PIECES_PER_STEP === 0) yield;
    before[index + 1] = before[index] + Number(stored.has(index));
  }
  return before;
}

/** The parts of a swarm that its pieces are seen by. */
interface PieceParts {
  readonly stored: Bitfield;
  readonly wanted: Bitfield;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  /** How many peers have a piece, without those that had everything from the start. */
  availabilityOf(index: number): number;
  /** Pieces that are being fetched, and then those that are being verified. */
  readonly active: Iterable<ActivePiece>;
}

/** All pieces. */
export function* viewPieces(
  { stored, wanted, peers, availabilityOf, active }: PieceParts,
): Steps<PiecesView> {
  const everywhere = peers.values().filter((peer) => !peer.isCounted && peer.isSeed).toArray().length;
  const availability = new Uint16Array(stored.length);
  for (let index = 0; index < availability.length; index++) {
    if (index % PIECES_PER_STEP === 0) yield;
    availability[index] = availabilityOf(index) + everywhere;
  }
  return {
    have: stored.toBytes(),
    wanted: wanted.toBytes(),
    availability,
    active: Array.from(active, (piece) => viewActive(piece, peers)),
  };
}

function viewActive(piece: ActivePiece, peers: ReadonlyMap<number, RemotePeer>): ActivePieceView {
  const asked = new Set<number>();
  for (let block = 0; block < piece.blockCount && !piece.isComplete; block++) {
    asked.add(piece.askerOf(block)).add(piece.secondAskerOf(block));
  }
  return {
    index: piece.index,
    blocks: piece.blockCount,
    done: piece.receivedBlocks,
    from: sendersOf(piece, peers),
    asked: namesOf(asked, peers),
  };
}

/** The names of the peers that delivered blocks of a piece. */
export function sendersOf(
  { deliveredBy }: Pick<ActivePiece, "deliveredBy">,
  peers: ReadonlyMap<number, RemotePeer>,
): string[] {
  return namesOf(new Set(deliveredBy), peers);
}

function namesOf(numbers: Iterable<number>, peers: ReadonlyMap<number, RemotePeer>): string[] {
  const names = new Set<string>();
  for (const number of numbers) if (number !== NOBODY) names.add(peers.get(number)?.name ?? DEPARTED);
  return [...names];
}
