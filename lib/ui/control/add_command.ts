/** `peer add`: hands torrents to the running process, or keeps them for the next one. */
import { join, resolve } from "node:path";
import { messageOf, StorageError } from "../../errors.ts";
import { printable } from "../../log.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { NobodyRuns, printResult, type Remote, type RemoteOptions, withRemote } from "./remote.ts";

/** Options of `add`: the wishes for torrents, also for those that are there already. */
interface AddOptions extends RemoteOptions {
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly first?: readonly string[];
  readonly sequential?: boolean;
  readonly paused?: boolean;
  readonly label?: readonly string[];
  /** The folder for the data. */
  readonly output?: string;
  /** Old data in which its pieces are looked for. */
  readonly reuse?: readonly string[];
  /** Peers to connect to, `HOST:PORT` each. */
  readonly peer?: readonly string[];
}

/** A torrent that was added; without `isNew` it was there before. */
export interface Added {
  readonly infoHash: string;
  readonly name: string;
  readonly number?: number;
  readonly isNew: boolean;
}

/** A torrent as an order to add it names it: exactly one of the members. */
export type Origin = { readonly magnet: string } | { readonly url: string } | { readonly path: string };

/** The origin that a word of the command line names. Errors: `Failure` with exit code 3 for a bad torrent or link. */
async function originOf(word: string, home: string): Promise<Origin> {
  if (/^https?:\/\//i.test(word)) return { url: word };
  const { isMagnet, readNamedMagnet, readNamedTorrent } = await import("../torrent_arguments.ts");
  if (isMagnet(word)) {
    readNamedMagnet(word);
    return { magnet: word };
  }
  return { path: resolve((await readNamedTorrent(word, resolve(home))).path) };
}

/**
 * Adds the torrents that words of the command line name, to the running process or else to `torrents/`.
 *
 * Errors: `Failure`, also for a bad torrent or link before anything is added.
 */
export async function addWords(words: readonly string[], options: AddOptions): Promise<ExitCode> {
  const { home } = options;
  const origins: Origin[] = [];
  for (const word of words) origins.push(await originOf(word, home));
  try {
    return await withRemote("add", home, (remote) => add(remote, origins, options));
  } catch (error) {
    if (!(error instanceof NobodyRuns)) throw error;
    const wish = wishOf(options);
    if (wish !== undefined) throw new Failure(EXIT.failed, wish, error.message);
    return await addForLater(origins, options);
  }
}

/** Adds torrents to the process. Errors: `RefusedError` for one that it refuses. */
export async function add(
  remote: Remote,
  origins: readonly Origin[],
  options: AddOptions,
): Promise<ExitCode> {
  const added: Added[] = [];
  for (const origin of origins) added.push(await addOne(remote, origin, options));
  printResult(
    options.json,
    added,
    () =>
      added.map(({ name, number, isNew }) =>
        printable(`${name}: ${isNew ? "added" : "was there already"}, number ${number}`)
      ),
  );
  return EXIT.ok;
}

/**
 * Adds one torrent; of one that is there already, only what is wished changes. Errors: `RefusedError`; `Failure` for a
 * torrent whose data lies in another folder already.
 */
export async function addOne(remote: Remote, origin: Origin, options: AddOptions): Promise<Added> {
  const { only, skip, first, sequential, paused, label, output, reuse, peer } = options;
  const wishes = { only, skip, first, sequential };
  const isWished = Object.values(wishes).some((wish) => wish !== undefined);
  const body = {
    ...origin,
    files: isWished ? wishes : undefined,
    paused,
    labels: label,
    output: output === undefined ? undefined : resolve(output),
    reuse: reuse?.map((path) => resolve(path)),
    peers: peer,
  };
  const added = await remote.post("/torrents", body) as Added;
  if (added.isNew) return added;
  const at = `/torrents/${added.infoHash}`;
  const { folder } = await remote.get(at) as { readonly folder: string };
  if (body.output !== undefined && body.output !== folder) {
    throw new Failure(
      EXIT.failed,
      "--output",
      `Expected a new torrent, got one whose data is in ${folder} already`,
    );
  }
  if (isWished) await remote.post(`${at}/select`, wishes);
  if (label !== undefined) await remote.post(`${at}/labels`, { labels: label });
  if (paused) await remote.post(`${at}/pause`);
  return added;
}

/**
 * Puts torrents into `torrents/` of a home in which no process runs, so that the next one takes them.
 *
 * Errors: `Failure` for links, which need a running process, for wishes, and where a file cannot be written.
 */
async function addForLater(origins: readonly Origin[], options: AddOptions): Promise<ExitCode> {
  const { json, home } = options;
  const folder = resolve(home);
  const { findTorrent, saveTorrent } = await import("../../session/session.ts");
  const { readTorrent } = await import("../../session/torrent_tools.ts");
  const kept: Added[] = [];
  for (const origin of origins) {
    if (!("path" in origin)) throw needsProcess(Object.values(origin)[0], folder);
    const metainfo = await readTorrent(origin.path);
    const { infoHash, name } = metainfo;
    try {
      await Deno.mkdir(join(folder, "torrents"), { recursive: true });
      const isNew = await findTorrent(join(folder, "torrents"), infoHash) === undefined;
      if (isNew) await saveTorrent(folder, metainfo);
      kept.push({ infoHash, name, isNew });
    } catch (error) {
      if (!(error instanceof StorageError || error instanceof Deno.errors.PermissionDenied)) throw error;
      throw new Failure(EXIT.failed, "add", messageOf(error), { cause: error });
    }
  }
  printResult(json, kept, () =>
    kept.map(({ name, isNew }) =>
      printable(
        `${name}: ${isNew ? "put into" : "is already in"} ${join(folder, "torrents")}; ` +
          "no peer is running: start it with `peer`",
      )
    ));
  return EXIT.ok;
}

function needsProcess(what: string, home: string): Failure {
  return new Failure(
    EXIT.failed,
    what,
    `no peer is running in ${home}: start it with \`peer\`, and then add this`,
  );
}

/** The option of `add` that nothing would keep without a process; undefined where there is none. */
function wishOf(options: AddOptions): string | undefined {
  const { only, skip, first, sequential, paused, label, output, reuse, peer } = options;
  const wishes = { only, skip, first, sequential, paused, label, output, reuse, peer };
  const [name] = Object.entries(wishes).find(([, value]) => value !== undefined) ?? [];
  return name && `--${name}`;
}
