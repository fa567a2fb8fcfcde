/** The peer of a home, as `share` and `get` use it: the one that runs there already, or a session of this process. */
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ShareView } from "../../api/shapes.ts";
import { StorageError } from "../../errors.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { Session, ShareQuestion, SharesFound } from "../../session/session.ts";
import { describeShare, type ShareDescription } from "../../session/torrent_tools.ts";
import type { Remote } from "../control/remote.ts";

/** The time between two looks at a share that another process reads, in milliseconds. */
const LOOK_EVERY_MS = 200;

/** A share that somebody else has ended. */
const CANCELLED: Omit<ShareView, "id" | "path"> = { done: 0, total: 0, failure: "it was cancelled" };

/** A torrent to take in. */
interface Addition {
  readonly magnet: string;
  /** The absolute path of the folder for its data; `shareable/` where left out. */
  readonly folder?: string;
  /** Absolute paths of old data in which its pieces are looked for. */
  readonly reuse?: readonly string[];
  readonly peers?: readonly string[];
  /** Whether hosts near by that know no code see it. */
  readonly isListed: boolean;
}

/** A file or folder to share. */
interface NewShare {
  readonly path: string;
  /** In bytes, that of the version before; undefined when it is to follow from the size of the data. */
  readonly pieceLength: number | undefined;
  readonly isListed: boolean;
}

/** A file or folder whose torrent is made. */
interface Prepared extends ShareDescription {
  /** Shares it, and returns whether it is new. */
  share(): Promise<boolean>;
}

/** What `share` and `get` ask of a peer. Errors: those of the session, or `RefusedError`. */
export interface PeerHere {
  /** The address of its page, where it is not told by itself; undefined where there is none. */
  page(): Promise<string | undefined>;
  /** Whether the torrent is new. */
  add(addition: Addition): Promise<boolean>;
  /**
   * Makes the torrent of a file or folder. `onProgress` hears pieces done and pieces in all. Errors: also the reason of
   * `stop`.
   */
  prepare(
    share: NewShare,
    onProgress: (done: number, total: number) => void,
    stop: AbortSignal,
  ): Promise<Prepared>;
  lookUp(question: ShareQuestion): Promise<SharesFound>;
  /**
   * Offers a torrent to hosts of the fleet with these names, or to all where none is named. `replaces`: the torrent of
   * the version before.
   */
  offer(infoHash: InfoHash, to: readonly string[], replaces: InfoHash | undefined): Promise<void>;
}

/** The peer that runs in the home. */
export class RunningPeer implements PeerHere {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async page(): Promise<string | undefined> {
    const { addresses: [first] } = await this.#remote.get("/web") as {
      readonly addresses: readonly string[];
    };
    return first && `${first}/`;
  }

  async add(addition: Addition): Promise<boolean> {
    const { magnet, folder, reuse, peers, isListed } = addition;
    const body = { magnet, output: folder, reuse, peers, listed: isListed };
    return (await this.#remote.post("/torrents", body) as { readonly isNew: boolean }).isNew;
  }

  /** The peer reads and shares in one go. */
  async prepare(
    { path, pieceLength, isListed }: NewShare,
    onProgress: (done: number, total: number) => void,
    stop: AbortSignal,
  ): Promise<Prepared> {
    const remote = this.#remote;
    const body = { path: resolve(path), pieceLength, listed: isListed };
    const { id } = await remote.post("/shares", body) as { readonly id: number };
    while (true) {
      const { shares } = await remote.get("/shares") as { readonly shares: readonly ShareView[] };
      const { done, total, failure, shared } = shares.find((each) => each.id === id) ?? CANCELLED;
      if (failure !== undefined) throw new StorageError(failure);
      if (total > 0) onProgress(done, total);
      if (shared !== undefined) {
        return {
          ...shared,
          infoHash: shared.infoHash as InfoHash,
          share: () => Promise.resolve(shared.isNew),
        };
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: stop }).catch(async () => {
        await remote.post("/shares/cancel", { id });
        throw stop.reason;
      });
    }
  }

  async lookUp(question: ShareQuestion): Promise<SharesFound> {
    return await this.#remote.post("/lookups", question) as SharesFound;
  }

  async offer(infoHash: InfoHash, to: readonly string[], replaces: InfoHash | undefined): Promise<void> {
    await this.#remote.post("/fleet/offer", { infoHash, replaces, ...to.length === 0 ? {} : { to } });
  }
}

/** A session of this process. */
export class OwnPeer implements PeerHere {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** A peer that begins tells it by itself. */
  page(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async add({ magnet, ...options }: Addition): Promise<boolean> {
    return (await this.#session.open({ magnet }, options)).isNew;
  }

  async prepare(
    { path, pieceLength, isListed }: NewShare,
    onProgress: (done: number, total: number) => void,
    stop: AbortSignal,
  ): Promise<Prepared> {
    const data = await this.#session.prepareShare(path, pieceLength, onProgress, stop);
    return { ...describeShare(data.metainfo), share: () => this.#session.share(data, isListed) };
  }

  async lookUp(question: ShareQuestion): Promise<SharesFound> {
    return await this.#session.lookUp(question);
  }

  async offer(infoHash: InfoHash, to: readonly string[], replaces: InfoHash | undefined): Promise<void> {
    await this.#session.fleet.offer(infoHash, to, replaces);
  }
}
