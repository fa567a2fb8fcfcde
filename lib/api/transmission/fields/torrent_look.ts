import type { InfoHash } from "../../../protocol/info_hash.ts";
import { finish, type Steps } from "../../../protocol/steps.ts";
import { withPadding } from "./file_fields.ts";
import { RememberedLimits } from "../limits.ts";
import type { RpcSession } from "../session_port.ts";
import type {
  Choices,
  FileView,
  PiecesView,
  TorrentDetails,
  TorrentSnapshot,
  TrackerView,
} from "../../../session/session.ts";
import type { RecentTorrents } from "../torrent_choice.ts";

/** What is remembered of each torrent between requests, because Transmission has it and our session has not. */
export class TorrentMemory {
  /** Limits that do not count at present. */
  readonly limits = new RememberedLimits();
  readonly #trackers: string[] = [];

  /** The number of a tracker's address, which stays the same while the process runs. */
  trackerNumber(url: string): number {
    const known = this.#trackers.indexOf(url);
    return known >= 0 ? known : this.#trackers.push(url) - 1;
  }

  /** The address with a number; undefined where none was told. */
  trackerUrl(number: number): string | undefined {
    return this.#trackers[number];
  }
}

/** The memories of all torrents. */
export class TorrentMemories {
  readonly #memories = new Map<InfoHash, TorrentMemory>();

  of(infoHash: InfoHash): TorrentMemory {
    const known = this.#memories.get(infoHash);
    if (known !== undefined) return known;
    const memory = new TorrentMemory();
    this.#memories.set(infoHash, memory);
    return memory;
  }

  /** Forgets torrents that are gone. */
  keep(torrents: readonly TorrentSnapshot[]): void {
    const present = new Set(torrents.map(({ infoHash }) => infoHash));
    for (const infoHash of this.#memories.keys()) {
      if (!present.has(infoHash)) this.#memories.delete(infoHash);
    }
  }
}

/** The parts that looks at all torrents share. */
interface LookContext {
  readonly session: RpcSession;
  readonly recent: RecentTorrents;
  readonly memories: TorrentMemories;
}

/** One torrent while a request is answered: what only some fields need is asked of the session once, when needed. */
export class TorrentLook {
  readonly snapshot: TorrentSnapshot;
  readonly #context: LookContext;
  #details: TorrentDetails | undefined;
  #choices: Partial<Choices> | undefined;
  #files: readonly FileView[] | undefined;
  #trackers: readonly TrackerView[] | undefined;
  #pieces: PiecesView | undefined;

  constructor(snapshot: TorrentSnapshot, context: LookContext) {
    this.snapshot = snapshot;
    this.#context = context;
  }

  get details(): TorrentDetails {
    return this.#details ??= this.#context.session.details(this.snapshot.infoHash);
  }

  /** The choices made for this torrent alone. */
  get choices(): Partial<Choices> {
    return this.#choices ??= this.#context.session.choices(this.snapshot.infoHash);
  }

  get files(): readonly FileView[] {
    return this.#files ??= finish(this.readFiles());
  }

  get trackers(): readonly TrackerView[] {
    return this.#trackers ??= this.#context.session.trackers(this.snapshot.infoHash);
  }

  get webSeeds(): readonly { readonly url: string }[] {
    return this.#context.session.webSeeds(this.snapshot.infoHash);
  }

  get pieces(): PiecesView {
    return this.#pieces ??= finish(this.readPieces());
  }

  /** Looks at the files before a field asks for them, in steps. */
  *readFiles(): Steps<readonly FileView[]> {
    return this.#files ??= withPadding(yield* this.#context.session.files(this.snapshot.infoHash));
  }

  /** Looks at the pieces before a field asks for them, in steps. */
  *readPieces(): Steps<PiecesView> {
    return this.#pieces ??= yield* this.#context.session.pieces(this.snapshot.infoHash);
  }

  get memory(): TorrentMemory {
    return this.#context.memories.of(this.snapshot.infoHash);
  }

  /** When data of it was last seen moving, in ms since 1970; undefined while none was. */
  get transferredAt(): number | undefined {
    return this.#context.recent.transferredAt(this.snapshot.infoHash);
  }
}
