/** `peer change`: what belongs to torrents of the running process, other than limits and files. */
import { resolve } from "node:path";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { namedTorrents } from "./named_torrents.ts";
import { report } from "./order_commands.ts";
import { type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";

/** Options of `change`. */
interface ChangeOptions extends RemoteOptions {
  readonly addTracker?: readonly string[];
  readonly dropTracker?: readonly string[];
  readonly addWebSeed?: readonly string[];
  readonly dropWebSeed?: readonly string[];
  readonly addLabel?: readonly string[];
  readonly dropLabel?: readonly string[];
  /** `HOST:PORT` each. */
  readonly addPeer?: readonly string[];
  readonly queue?: "top" | "up" | "down" | "bottom";
  /** The folder to which the data is moved. */
  readonly moveTo?: string;
  /** The folder in which the data lies already. */
  readonly dataIn?: string;
}

/** Changes the torrents that the words name. Errors: `Failure`, also where no change is said. */
export async function change(
  remote: Remote,
  words: readonly string[],
  { json, home: _, ...changes }: ChangeOptions,
): Promise<ExitCode> {
  if (Object.keys(changes).length === 0) {
    throw new Failure(EXIT.usage, "change", "Expected an option that says what to change, got none");
  }
  const { addWebSeed, dropWebSeed, addLabel, dropLabel, addPeer, queue, moveTo, dataIn } = changes;
  const addTracker = await urlsOf("--add-tracker", changes.addTracker);
  const dropTracker = await urlsOf("--drop-tracker", changes.dropTracker);
  const torrents = namedTorrents(words, await torrentsOf(remote));
  for (const { infoHash, labels } of torrents) {
    const orders: Readonly<Record<string, object | undefined>> = {
      "trackers": (addTracker ?? dropTracker) && { add: addTracker, drop: dropTracker },
      "web-seeds": (addWebSeed ?? dropWebSeed) && { add: addWebSeed, drop: dropWebSeed },
      "labels": (addLabel ?? dropLabel) && { labels: labelsAfter(labels, addLabel, dropLabel) },
      "peers": addPeer && { add: addPeer },
      "queue": queue && { to: queue },
      "relocate": relocationOf(moveTo, dataIn),
    };
    for (const [name, body] of Object.entries(orders)) {
      if (body !== undefined) await remote.post(`/torrents/${infoHash}/${name}`, body);
    }
  }
  report(torrents, "changed", json);
  return EXIT.ok;
}

/** The URLs of trackers as the user names them. Errors: `Failure` that names the option. */
async function urlsOf(option: string, texts: readonly string[] | undefined): Promise<string[] | undefined> {
  if (texts === undefined) return undefined;
  const { announceTiersOf } = await import("../announce_values.ts");
  return announceTiersOf(texts, option).flat();
}

/** At most one of the folders is there. */
function relocationOf(moveTo: string | undefined, dataIn: string | undefined): object | undefined {
  const folder = moveTo ?? dataIn;
  return folder === undefined ? undefined : { folder: resolve(folder), moveData: moveTo !== undefined };
}

function labelsAfter(
  labels: readonly string[],
  added: readonly string[] = [],
  dropped: readonly string[] = [],
): string[] {
  return [...new Set([...labels, ...added])].filter((label) => !dropped.includes(label));
}
