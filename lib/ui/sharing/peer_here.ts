/** The peer of a home, as `share` and `get` use it: the one that runs there already, or a session of this process. */
import type { Session, ShareQuestion, SharesFound } from "../../session/session.ts";
import type { SharedData } from "../../session/torrent_tools.ts";
import { type Remote, stateOf } from "../control/remote.ts";

/** A torrent to take in; exactly one of `metainfo` and `magnet`. */
export interface Addition {
  /** The `.torrent` file. */
  readonly metainfo?: Uint8Array<ArrayBuffer>;
  readonly magnet?: string;
  /** The absolute path of the folder for its data; `shareable/` where left out. */
  readonly folder?: string;
  /** Whether all data lies there already, and is the user's own. */
  readonly isUsersOwn?: boolean;
  /** Its files as they were hashed. */
  readonly stamps?: SharedData["stamps"];
  readonly peers?: readonly string[];
  /** Whether hosts near by that know no code see it. */
  readonly isListed: boolean;
}

/** Where a torrent is, and whether all of it is there. */
export interface Standing {
  readonly folder: string;
  readonly finished: boolean;
}

/** What `share` and `get` ask of a peer. Errors: those of the session, or `RefusedError`. */
export interface PeerHere {
  trackerPort(): Promise<number | undefined>;
  /** The address of its page, where it is not told by itself; undefined where there is none. */
  page(): Promise<string | undefined>;
  /** Whether the torrent is new. */
  add(addition: Addition): Promise<boolean>;
  standing(infoHash: string): Promise<Standing>;
  /** Leaves a torrent; its finished data stays. */
  leave(infoHash: string): Promise<void>;
  lookUp(question: ShareQuestion): Promise<SharesFound>;
}

/** The peer that runs in the home. */
export class RunningPeer implements PeerHere {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async trackerPort(): Promise<number | undefined> {
    return (await stateOf(this.#remote)).process.trackerPort;
  }

  async page(): Promise<string | undefined> {
    const { addresses: [first] } = await this.#remote.get("/web") as {
      readonly addresses: readonly string[];
    };
    return first && `${first}/`;
  }

  async add({ metainfo, magnet, folder, isUsersOwn, stamps, peers, isListed }: Addition): Promise<boolean> {
    const body = {
      metainfo: metainfo?.toBase64(),
      magnet,
      output: folder,
      own: isUsersOwn,
      stamps,
      peers,
      listed: isListed,
    };
    return (await this.#remote.post("/torrents", body) as { readonly isNew: boolean }).isNew;
  }

  async standing(infoHash: string): Promise<Standing> {
    return await this.#remote.get(`/torrents/${infoHash}`) as Standing;
  }

  async leave(infoHash: string): Promise<void> {
    await this.#remote.post(`/torrents/${infoHash}/remove`);
  }

  async lookUp(question: ShareQuestion): Promise<SharesFound> {
    return await this.#remote.post("/lookups", question) as SharesFound;
  }
}

/** A session of this process. */
export class OwnPeer implements PeerHere {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  trackerPort(): Promise<number | undefined> {
    return Promise.resolve(this.#session.process().trackerPort);
  }

  /** A peer that begins tells it by itself. */
  page(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async add({ metainfo, magnet, ...options }: Addition): Promise<boolean> {
    const origin = metainfo === undefined ? { magnet: magnet! } : { bytes: metainfo };
    return (await this.#session.open(origin, options)).isNew;
  }

  standing(infoHash: string): Promise<Standing> {
    const snapshot = this.#snapshotOf(infoHash);
    const { folder } = this.#session.details(snapshot.infoHash);
    return Promise.resolve({ folder, finished: snapshot.finished });
  }

  async leave(infoHash: string): Promise<void> {
    await this.#session.remove(this.#snapshotOf(infoHash).infoHash, false);
  }

  async lookUp(question: ShareQuestion): Promise<SharesFound> {
    return await this.#session.lookUp(question);
  }

  #snapshotOf(wanted: string) {
    return this.#session.snapshot().find(({ infoHash }) => infoHash === wanted)!;
  }
}
