/** The torrents of a session: how each of them comes, is found and goes. */
import { dirname, join, resolve } from "node:path";
import type { FileStamp } from "../disk/state/file_stamp.ts";
import { type FileLooks, watchFolder } from "../disk/folder_watch.ts";
import { messageOf, MetainfoError } from "../errors.ts";
import { download, DownloadError } from "../net/http/download.ts";
import { scopeOf } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { type Magnet, parseMagnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { MAGNET_LIMITS } from "../settings.ts";
import { adviceOnLoopback } from "./advice/announce_advice.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import { checkLabels } from "./kept/kept_torrent.ts";
import { withMagnet } from "./magnet_fetch.ts";
import { type QueueMove, ranksAfter } from "./queue.ts";
import { Adding } from "./work/adding.ts";
import type { Tasks } from "./work/tasks.ts";
import { Torrent } from "./torrent.ts";
import type { TorrentContext, TorrentSource } from "./torrent_context.ts";
import { findOldData, findTorrent, makeDataFolder, NamedTorrents, saveTorrent } from "./torrent_folder.ts";
import { readTorrent, readTorrentFile, readTorrentIn } from "./torrent_tools.ts";

/** Where a torrent comes from: the path, the bytes or the URL (http, https) of a `.torrent` file, or a magnet link. */
export type TorrentOrigin =
  | { readonly path: string }
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly magnet: string }
  | { readonly url: string };

/** The user's wishes for a torrent that is added. */
export interface AddOptions {
  /** Peers to dial at once, `HOST:PORT` each. */
  readonly peers?: readonly string[];
  readonly files?: FileWishes;
  readonly isPaused?: boolean;
  readonly labels?: readonly string[];
  /** The folder for its data, an absolute path, which is made where it is missing; `shareable/` where left out. */
  readonly folder?: string;
  /** Old files and folders in which its pieces are looked for, absolute paths. */
  readonly reuse?: readonly string[];
  /** Whether all data lies there already and is the user's own: it is never written. Not, where left out. */
  readonly isUsersOwn?: boolean;
  /**
   * With `isUsersOwn`: the marks of all files as they were when the torrent was made of them. Files that still have these
   * are not hashed again.
   */
  readonly stamps?: readonly FileStamp[];
  /** Whether hosts near by that know no code of it may see that it is shared; not, where left out. */
  readonly isListed?: boolean;
}

/** A torrent that was added, or that was there before. */
export interface OpenedTorrent {
  readonly infoHash: InfoHash;
  readonly isNew: boolean;
}

/** The parts of the session that its torrents need. */
interface TorrentsContext extends TorrentContext {
  /** Address that the session listens on; undefined stands for all addresses. */
  readonly host: string | undefined;
  /** Work that the session awaits in the end. */
  readonly tasks: Tasks;
  /** Aborts when the session stops. */
  readonly signal: AbortSignal;
}

/** A torrent as it was read, and what has to be kept of it. */
interface ReadTorrent {
  readonly infoHash: InfoHash;
  /** Undefined where only a magnet link is known. */
  readonly metainfo: Metainfo | undefined;
  readonly magnet?: Magnet;
  readonly link?: string;
  /** The `.torrent` file; absent where it lies in `torrents/` already. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** All torrents of a session, by info-hash. */
export class Torrents {
  readonly #context: TorrentsContext;
  readonly #torrents = new Map<InfoHash, Torrent>();
  /** All of them in the order of the queue; undefined where that is not known and nobody has asked for it yet. */
  #inOrder: readonly Torrent[] | undefined;
  readonly #named = new NamedTorrents();
  /** Torrents that are being kept: each ends when that is done, or rejects. */
  readonly #opening = new Map<InfoHash, Promise<void>>();
  /** Torrents that are being left or removed: one that is added again meanwhile waits for that. */
  readonly #departing = new Map<InfoHash, Promise<void>>();
  /** Torrents that are being added, until they are there or refused. */
  readonly #adding = new Set<Adding>();
  /** Files that are being read, until they name their torrents. */
  readonly #reading = new Set<Promise<unknown>>();

  constructor(context: TorrentsContext) {
    this.#context = context;
  }

  [Symbol.iterator](): IterableIterator<Torrent> {
    return this.#torrents.values();
  }

  get count(): number {
    return this.#torrents.size;
  }

  /** The torrents in the order of the queue. */
  get inOrder(): readonly Torrent[] {
    return this.#inOrder ??= [...this.#torrents.values()].sort((a, b) =>
      a.will.kept.rank - b.will.kept.rank || a.will.kept.number - b.will.kept.number
    );
  }

  has(infoHash: InfoHash): boolean {
    return this.#torrents.has(infoHash);
  }

  /** The torrent of an info-hash. Errors: `RangeError` when there is no such torrent. */
  get(infoHash: InfoHash): Torrent {
    const torrent = this.#torrents.get(infoHash);
    if (torrent === undefined) throw new RangeError(`Expected a torrent of this session, got ${infoHash}`);
    return torrent;
  }

  /** Moves a torrent within the queue; resolves when that is kept. Errors: `RangeError`; `StorageError`. */
  async move(infoHash: InfoHash, to: QueueMove): Promise<void> {
    const torrent = this.get(infoHash);
    const { inOrder } = this;
    const ranks = ranksAfter(inOrder.map(({ will }) => will.kept.rank), inOrder.indexOf(torrent), to);
    const keeping = Array.from(ranks, ([position, rank]) => inOrder[position].will.change({ rank }));
    this.#inOrder = undefined;
    this.#context.standingChanged();
    await Promise.all(keeping);
  }

  /** As `Torrent.relocate`, for a folder that the user names. Errors: those of `makeDataFolder` too. */
  async relocate(infoHash: InfoHash, folder: string, movesData: boolean): Promise<void> {
    const torrent = this.get(infoHash);
    await torrent.relocate(await makeDataFolder(this.#context.home, folder), movesData);
  }

  // Torrents that come

  /**
   * Joins the swarm of a `.torrent` file, and dials `peers` at once. Resolves when the data on disk has been checked.
   * The file stays where it is, and is read again at a later start only if it lies in `torrents/`.
   */
  async add(torrentPath: string, peers: readonly string[]): Promise<InfoHash> {
    using adding = new Adding(this.#adding);
    const metainfo = await this.#readFile(torrentPath, adding);
    const { infoHash } = metainfo;
    await this.#departing.get(infoHash);
    adding.refuseRemoved(infoHash);
    const known = this.#torrents.get(infoHash);
    if (known?.lacksMetadata) known.adopt(metainfo);
    if (this.#isUnderWay(infoHash)) return infoHash;
    await this.#begin({ infoHash, metainfo, peers });
    this.#adviseOn(metainfo, torrentPath);
    return infoHash;
  }

  /** Reads a file, which names its torrent from then on. */
  async #readFile(path: string, adding: Adding): Promise<Metainfo> {
    const reading = readTorrent(path).then((metainfo) => {
      adding.refuseRemoved(metainfo.infoHash);
      this.#leaveUnlessNamed(this.#named.note(path, metainfo.infoHash));
      return metainfo;
    }).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
    return await reading;
  }

  /** Joins the swarm of a magnet link, and resolves when the data on disk has been checked. The link is kept. */
  async addMagnet(link: string, peers: readonly string[]): Promise<InfoHash> {
    using adding = new Adding(this.#adding);
    const { magnet, metainfo } = await this.#readMagnet(link);
    const { infoHash } = magnet;
    if (this.#isUnderWay(infoHash)) return infoHash;
    if (metainfo === undefined) await this.#context.state.saveMagnet(infoHash, link);
    adding.refuseRemoved(infoHash);
    if (!this.#isUnderWay(infoHash)) await this.#begin({ infoHash, metainfo, magnet, peers });
    return infoHash;
  }

  async #readMagnet(link: string): Promise<{ magnet: Magnet; metainfo: Metainfo | undefined }> {
    const magnet = parseMagnet(link, MAGNET_LIMITS);
    const { infoHash } = magnet;
    await this.#departing.get(infoHash);
    if (this.#isUnderWay(infoHash)) return { magnet, metainfo: undefined };
    for (const message of magnet.warnings) {
      this.#context.observe({ event: "warning", code: "magnet", message, infoHash });
    }
    const saved = await findTorrent(join(this.#context.home, "torrents"), infoHash);
    return { magnet, metainfo: saved && withMagnet(saved, magnet) };
  }

  #isUnderWay(infoHash: InfoHash): boolean {
    const torrent = this.#torrents.get(infoHash);
    return torrent !== undefined && torrent.state !== "failed";
  }

  /** Begins a torrent, or tries again one that has failed; resolves when its data has been checked. */
  async #begin(source: TorrentSource): Promise<void> {
    const torrent = this.#torrentOf(source);
    torrent.start();
    try {
      await torrent.whenJoined;
    } catch (error) {
      // The user wants no file of it, so the session does not keep it.
      if (error instanceof RangeError) {
        this.#drop(source.infoHash);
        await torrent.stop();
      }
      throw error;
    }
  }

  #torrentOf(source: TorrentSource): Torrent {
    this.#context.signal.throwIfAborted();
    const { infoHash } = source;
    const known = this.#torrents.get(infoHash);
    if (known !== undefined) return known;
    const torrent = new Torrent(source, this.#context);
    this.#torrents.set(infoHash, torrent);
    this.#inOrder = undefined;
    this.#context.standingChanged();
    return torrent;
  }

  /**
   * Takes a torrent in, and resolves when it is kept: it comes back at later starts, whatever happens now. A torrent
   * that is there already stays as it is, gets the peers, and begins again where it had failed.
   *
   * Errors: `MetainfoError`; `RangeError` for options that make no sense; `StorageError` when it cannot be kept.
   */
  async open(origin: TorrentOrigin, options: AddOptions): Promise<OpenedTorrent> {
    const labels = options.labels && checkLabels(options.labels);
    const folder = options.folder && await makeDataFolder(this.#context.home, options.folder);
    const reuse = options.reuse && await findOldData(options.reuse);
    using adding = new Adding(this.#adding);
    const read = await this.#read(origin);
    const { infoHash, metainfo, magnet } = read;
    const { files = {}, peers = [], isPaused = false } = options;
    await this.#departing.get(infoHash);
    if (!this.#torrents.has(infoHash)) await this.#context.state.clear(infoHash);
    adding.refuseRemoved(infoHash);
    const known = this.#torrents.get(infoHash);
    if (known !== undefined) {
      await this.#opening.get(infoHash);
      await this.#merge(known, read, peers);
      if (reuse !== undefined) await known.reuse(reuse);
      if (options.isListed !== undefined) {
        const keeping = known.will.change({ isListed: options.isListed });
        this.#context.standingChanged();
        await keeping;
      }
      return { infoHash, isNew: false };
    }
    const lastRank = this.inOrder.at(-1)?.will.kept.rank ?? -Infinity;
    const torrent = this.#torrentOf({ infoHash, metainfo, magnet, peers, files });
    const changes = {
      // It joins the end of the queue, also where a record is left of it: by an order that a crash cut off.
      rank: Math.max(torrent.will.kept.rank, lastRank + 1),
      isPaused,
      pauseReason: undefined,
      ...(labels && { labels }),
      ...(folder && { folder }),
      ...(reuse && { reuse }),
      isUsersOwn: options.isUsersOwn ?? false,
      isListed: options.isListed ?? false,
    };
    const keeping = torrent.will.change(changes).then(() => this.#keep(torrent, read, options.stamps));
    this.#inOrder = undefined;
    this.#opening.set(infoHash, keeping);
    this.#context.tasks.add(keeping);
    try {
      await keeping;
    } catch (error) {
      this.#drop(infoHash);
      await torrent.stop();
      throw error;
    } finally {
      this.#opening.delete(infoHash);
    }
    torrent.start(true);
    if (metainfo !== undefined && "path" in origin) this.#adviseOn(metainfo, origin.path);
    return { infoHash, isNew: true };
  }

  #drop(infoHash: InfoHash): void {
    this.#torrents.delete(infoHash);
    this.#inOrder = undefined;
  }

  async #read(origin: TorrentOrigin): Promise<ReadTorrent> {
    if ("magnet" in origin) {
      const { magnet, metainfo } = await this.#readMagnet(origin.magnet);
      return { infoHash: magnet.infoHash, magnet, metainfo, link: origin.magnet };
    }
    if ("bytes" in origin || "url" in origin) {
      const bytes = "bytes" in origin ? origin.bytes : await this.#download(origin.url);
      const metainfo = await readTorrentIn(bytes);
      return { infoHash: metainfo.infoHash, metainfo, bytes };
    }
    const { metainfo, bytes } = await readTorrentFile(origin.path);
    const { infoHash } = metainfo;
    const isInFolder = resolve(dirname(origin.path)) === resolve(this.#context.home, "torrents");
    if (!isInFolder) return { infoHash, metainfo, bytes };
    this.#leaveUnlessNamed(this.#named.note(origin.path, infoHash));
    return { infoHash, metainfo };
  }

  async #download(url: string): Promise<Uint8Array<ArrayBuffer>> {
    const { surroundings, signal } = this.#context;
    try {
      return await download(url, surroundings.isBlocked, signal);
    } catch (error) {
      throw error instanceof DownloadError ? new MetainfoError(error.message, { cause: error }) : error;
    }
  }

  /** Keeps the choice of its files, and the torrent itself where it is not in `torrents/` yet. */
  async #keep(
    torrent: Torrent,
    { infoHash, metainfo, link, bytes }: ReadTorrent,
    stamps: AddOptions["stamps"],
  ): Promise<void> {
    await torrent.keepFiles();
    if (stamps !== undefined && torrent.will.kept.isUsersOwn && stamps.length === metainfo?.files.length) {
      await this.#context.resume.saveStamps(infoHash, stamps);
      await this.#context.resume.savePhase(infoHash, "complete");
    }
    if (metainfo === undefined) await this.#context.state.saveMagnet(infoHash, link!);
    else if (bytes !== undefined) await this.#save(metainfo, bytes);
  }

  async #save(metainfo: Metainfo, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#named.note(await saveTorrent(this.#context.home, metainfo, bytes), metainfo.infoHash);
  }

  /** The user adds a torrent that is there already. */
  async #merge(
    known: Torrent,
    { metainfo, magnet, bytes }: ReadTorrent,
    peers: readonly string[],
  ): Promise<void> {
    if (metainfo !== undefined && known.lacksMetadata) {
      if (bytes !== undefined) await this.#save(metainfo, bytes);
      known.adopt(metainfo);
    }
    if (!known.isPrivate) {
      known.addPeers([...peers, ...magnet?.peers ?? []]);
      await known.addTiers(metainfo?.announceTiers ?? magnet?.trackers.map((tracker) => [tracker]) ?? []);
    }
    if (known.state === "failed") known.start(true);
  }

  /** Begins the torrents of kept magnet links, whose metadata has never come; returns how many these are. */
  async addKept(peers: readonly string[]): Promise<number> {
    const { state, surroundings: { log } } = this.#context;
    const links = await state.magnets();
    for (const [infoHash, link] of links) {
      if (this.#torrents.has(infoHash)) continue;
      try {
        this.#torrentOf({ infoHash, magnet: parseMagnet(link, MAGNET_LIMITS), peers }).start(true);
      } catch (error) {
        log.warn(`the kept link of ${infoHash} cannot be used: ${messageOf(error)}`);
      }
    }
    return links.size;
  }

  /** Tells the user why others will not find this machine; a session that listens on loopback only needs no advice. */
  #adviseOn(metainfo: Metainfo, torrentPath: string): void {
    const { host, home, observe } = this.#context;
    if (host !== undefined && scopeOf(host) === "loopback") return;
    const message = adviceOnLoopback(metainfo, torrentPath, home, Deno.networkInterfaces());
    if (message !== undefined) {
      observe({ event: "warning", code: "announce", message, infoHash: metainfo.infoHash });
    }
  }

  // Torrents that go

  /**
   * Joins `.torrent` files that appear or change in `torrents/`, and leaves torrents whose last file disappears;
   * `known` holds the looks of the files read before.
   */
  watch(known: FileLooks): void {
    const { home, observe, signal, tasks } = this.#context;
    const came = (path: string) => {
      this.add(path, []).catch((error) => {
        if (signal.aborted) return;
        observe({ event: "warning", code: "torrent", message: `${path}: ${messageOf(error)}` });
      });
    };
    // The file may have been renamed, and not have been read under its new name yet.
    const left = (path: string) =>
      tasks.add(
        Promise.allSettled(this.#reading).then(() => this.#leaveUnlessNamed(this.#named.forget(path))),
      );
    tasks.add(watchFolder(join(home, "torrents"), known, { came, left }, signal));
  }

  /** Leaves a torrent that no file names any more; all there is of it is kept for the case that it comes back. */
  #leaveUnlessNamed(infoHash: InfoHash | undefined): void {
    const torrent = infoHash && this.#torrents.get(infoHash);
    if (torrent === undefined || this.#named.has(torrent.infoHash)) return;
    this.#context.tasks.add(this.#depart(torrent, async () => {
      await torrent.stop();
      await torrent.close();
      this.#context.registry.remove(torrent.infoHash);
    }));
  }

  /** Takes a torrent out of the session once `leave` has ended; after an error it stays. Errors: those of `leave`. */
  #depart(torrent: Torrent, leave: () => Promise<void>): Promise<void> {
    const { infoHash } = torrent;
    const before = this.#departing.get(infoHash) ?? Promise.resolve();
    const leaving = before.then(async () => {
      if (this.#torrents.get(infoHash) !== torrent) return;
      await leave();
      this.#drop(infoHash);
      this.#context.standingChanged();
    });
    const departing = leaving.catch(() => {}).finally(() => {
      if (this.#departing.get(infoHash) === departing) this.#departing.delete(infoHash);
    });
    this.#departing.set(infoHash, departing);
    return leaving;
  }

  /** Leaves a torrent for good. Errors: `RangeError` for an unknown torrent; `StorageError`. */
  async remove(infoHash: InfoHash, deletesData: boolean): Promise<void> {
    const torrent = this.get(infoHash);
    for (const adding of this.#adding) adding.removed(infoHash);
    const opened = this.#opening.get(infoHash)?.catch(() => {});
    const removing = this.#depart(torrent, async () => {
      await opened;
      await torrent.remove(deletesData);
    });
    this.#context.tasks.add(removing);
    await removing;
  }
}
