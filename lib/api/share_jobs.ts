/** The files and folders that are being shared: reading them takes longer than a request may, so each has a number. */
import { messageOf } from "../errors.ts";
import type { Session } from "../session/session.ts";
import { describeShare, shareCode } from "../session/torrent_tools.ts";
import { API } from "../settings.ts";
import type { ShareView } from "./shapes.ts";

/** What to share, and how. */
interface NewShare {
  /** An absolute path. */
  readonly path: string;
  readonly isListed: boolean;
  /** In bytes. */
  readonly pieceLength: number | undefined;
}

/** A share under way, or one that has ended. */
interface Job {
  view: ShareView;
  readonly cancelling: AbortController;
}

/** The shares that were begun over the interface. */
export class ShareJobs {
  readonly #session: Session;
  readonly #jobs = new Map<number, Job>();
  #lastId = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  /** All that are under way, and the latest ones that have ended. */
  get views(): ShareView[] {
    return Array.from(this.#jobs.values(), ({ view }) => view);
  }

  /** Begins to share; returns its number. Errors: `RangeError` while too many are under way. */
  begin({ path, isListed, pieceLength }: NewShare): number {
    const underWay = this.views.filter((view) => !hasEnded(view)).length;
    if (underWay >= API.sharesUnderWay) {
      throw new RangeError(
        `Expected at most ${API.sharesUnderWay} shares under way, got one more; wait for one`,
      );
    }
    for (const [id, { view }] of this.#jobs) {
      if (this.#jobs.size < API.sharesKept) break;
      if (hasEnded(view)) this.#jobs.delete(id);
    }
    const id = ++this.#lastId;
    const job: Job = { view: { id, path, done: 0, total: 0 }, cancelling: new AbortController() };
    this.#jobs.set(id, job);
    this.#run(job, isListed, pieceLength);
    return id;
  }

  /** Ends one that is under way, and forgets it. Errors: `RangeError` for an unknown number. */
  cancel(id: number): void {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new RangeError(`Expected the number of a share, got ${id}`);
    job.cancelling.abort();
    this.#jobs.delete(id);
  }

  /** Ends all that are under way. */
  stop(): void {
    for (const { cancelling } of this.#jobs.values()) cancelling.abort();
  }

  /** Reads and shares; never rejects. */
  async #run(job: Job, isListed: boolean, pieceLength: number | undefined): Promise<void> {
    const { view: { path }, cancelling: { signal } } = job;
    const progress = (done: number, total: number) => job.view = { ...job.view, done, total };
    try {
      const data = await this.#session.prepareShare(path, pieceLength, progress, signal);
      signal.throwIfAborted();
      const isNew = await this.#session.share(data, isListed);
      const { infoHash } = data.metainfo;
      const shared = { ...describeShare(data.metainfo), code: shareCode(infoHash), isNew };
      job.view = { ...job.view, shared };
    } catch (error) {
      job.view = { ...job.view, failure: messageOf(error) };
    }
  }
}

function hasEnded({ shared, failure }: ShareView): boolean {
  return shared !== undefined || failure !== undefined;
}
