/** What to tell the user of files that cannot go to `shareable/`, because something else has or wants their place. */
import type { TorrentFile } from "../../protocol/metainfo.ts";
import { Swarm } from "../../swarm/swarm.ts";
import type { AnySwarm } from "../../swarm/swarm_registry.ts";

/** What to tell of a file of the user's that lies at `path`, where one of the torrent is to go in the end. */
export function adviceOnFileInTheWay(path: string): string {
  return `${path} is another file than that of the torrent, and is not replaced: move it away before the ` +
    "download ends, or give the torrent another --home";
}

/**
 * What to tell of a torrent that is to fill the same file as one of `others`, so that at most one of the two can be
 * finished; undefined where there is none, or one of the two is finished already.
 */
export function adviceOnSamePlace(swarm: Swarm, others: Iterable<AnySwarm>): string | undefined {
  if (swarm.isFinished) return undefined;
  const { infoHash, metainfo: { name, files } } = swarm;
  for (const other of others) {
    if (!(other instanceof Swarm) || other.isFinished || other.infoHash === infoHash) continue;
    if (other.metainfo.name !== name) continue;
    const taken = new Set(other.metainfo.files.filter((file) => !file.isPadding).map(pathOf));
    const same = files.find((file) => !file.isPadding && taken.has(pathOf(file)));
    if (same === undefined) continue;
    return `the torrent ${other.infoHash} fills shareable/${
      pathOf(same)
    } too: unless both mean the same file, ` +
      "only one of them can be finished; give the other one another --home";
  }
}

function pathOf({ path }: TorrentFile): string {
  return path.join("/");
}
