/** Makes torrents of data that is shared from where it lies. */
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DiskWorkers } from "../../disk/disk_workers.ts";
import type { FileStamp } from "../../disk/state/file_stamp.ts";
import { storageFailure } from "../../disk/storage_failure.ts";
import { makeTorrent } from "../../disk/torrent_maker.ts";
import { StorageError } from "../../errors.ts";
import { familyOf } from "../../protocol/endpoint.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { reachableAddresses } from "../advice/announce_advice.ts";

/** Own addresses that a torrent names: a laptop has two, a host of containers dozens. */
const MAX_TIERS = 4;

/** A torrent of data that stays where it is. */
export interface SharedData {
  /** The `.torrent` file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metainfo: Metainfo;
  /** The marks of its files as they were hashed. */
  readonly stamps: readonly FileStamp[];
  /** The folder that holds the file or folder of the torrent's name. */
  readonly folder: string;
}

/** What is to be shared. */
interface NewShare {
  /** A file or folder. */
  readonly path: string;
  readonly home: string;
  /** Announce URLs, tier by tier. */
  readonly announceTiers: readonly (readonly string[])[];
  /** In bytes, that of the version before; undefined when it is to follow from the size of the data. */
  readonly pieceLength?: number | undefined;
}

/**
 * Makes the torrent of a file or folder, wherever it lies; nothing is written. The same data under the same name gives
 * the same info-hash. A symbolic link stands for what it leads to.
 *
 * `onProgress` hears pieces done and pieces in all. Errors: `StorageError`, also for what the program keeps in `home`;
 * `MetainfoError`; the reason of `signal` when it aborts.
 */
export async function makeSharedData(
  { path, home, announceTiers, pieceLength }: NewShare,
  onProgress: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<SharedData> {
  const real = await Deno.realPath(path).catch((error) => {
    throw storageFailure(`read ${path}`, error);
  });
  const ownHome = await Deno.realPath(home).catch(() => resolve(home));
  for (const name of ["state", "torrents"]) {
    const own = join(ownHome, name);
    if (isWithin(own, real) || isWithin(real, own)) {
      throw new StorageError(
        `Expected data, got a folder in which peer keeps its own files (${own}); share what is inside, or use another --home`,
      );
    }
  }
  const workers = new DiskWorkers();
  try {
    const plan = { path: real, announceTiers, pieceLength, isPrivate: false, workers };
    return { ...await makeTorrent(plan, onProgress, signal), folder: dirname(real) };
  } finally {
    workers.close();
  }
}

/**
 * A tier for the tracker at each address by which others reach this machine, the best first; none without any. `host`:
 * the only address that it listens on, if there is but one.
 */
export function ownTiers(
  trackerPort: number,
  host: string | undefined,
  interfaces: readonly { readonly address: string; readonly name?: string }[] = Deno.networkInterfaces(),
): string[][] {
  const isAny = host === undefined || host === "0.0.0.0" || host === "::";
  const used = interfaces.filter(({ address }) => isAny || address === host);
  const addresses = new Set(reachableAddresses(used).map(({ address }) => address));
  return [...addresses].slice(0, MAX_TIERS).map((address) => {
    const host = familyOf(address) === 6 ? `[${address}]` : address;
    return [`http://${host}:${trackerPort}/announce`];
  });
}

/** Whether `path` is `folder`, or lies in it. */
function isWithin(path: string, folder: string): boolean {
  const steps = relative(folder, path);
  return steps !== ".." && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}
