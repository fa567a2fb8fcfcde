/** What is downloaded while the downloader is killed again and again, and when it is killed. */

const FILES_IN_FOLDER = 40;
const TORRENTS_AT_ONCE = 6;

/** Which part of a download's life is put to the test most. */
export type Kind = "download" | "move" | "flush" | "torrents" | "magnet";
export const KINDS: readonly Kind[] = ["download", "move", "flush", "torrents", "magnet"];

/** What a kill aims at; `phaseOf` in `life.ts` says what it hit. */
export type Aim = "start-up" | "checking" | "downloading" | "noting" | "syncing" | "moving" | "complete";
export const AIMS: readonly Aim[] = [
  "start-up",
  "checking",
  "downloading",
  "noting",
  "syncing",
  "moving",
  "complete",
];

/** Torrents that are downloaded together. */
export interface Workload {
  readonly kind: Kind;
  /** Whether the downloader has only their magnet links, and has to fetch and save the torrents. */
  readonly isMagnet?: boolean;
  readonly torrents: readonly {
    readonly name: string;
    /** Lengths in bytes by path below `shareable/`. */
    readonly files: ReadonlyMap<string, number>;
  }[];
  /** One of them is drawn for each kill. */
  readonly aims: readonly Aim[];
}

/** The workload of a kind, of about `size` bytes in all. */
export function workloadOf(kind: Kind, size: number): Workload {
  switch (kind) {
    case "download":
      return { kind, torrents: [singleFile("download.bin", size)], aims: AIMS };
    case "flush":
      return { kind, torrents: [singleFile("flush.bin", size)], aims: ["noting", "syncing"] };
    case "move":
      // Few kills can hit one download's move, so downloads are short.
      return { kind, torrents: [folder("move", size / 4)], aims: ["moving", "moving", "moving", "complete"] };
    case "magnet":
      // A torrent is saved once, and then again in a new home only.
      return {
        kind,
        isMagnet: true,
        torrents: [singleFile("magnet.bin", size / 8)],
        aims: ["checking", "checking", "complete"],
      };
    case "torrents":
      return {
        kind,
        torrents: Array.from(
          { length: TORRENTS_AT_ONCE },
          (_, i) => singleFile(`torrent-${i}.bin`, size / TORRENTS_AT_ONCE),
        ),
        aims: AIMS,
      };
  }
}

/** A bit longer than asked for, so that the last piece and its last block are short. */
function singleFile(name: string, size: number) {
  return { name, files: new Map([[name, Math.floor(size) + 12_345]]) };
}

function folder(name: string, size: number) {
  const length = Math.floor(size / FILES_IN_FOLDER) + 123;
  const paths = Array.from({ length: FILES_IN_FOLDER }, (_, i) => `${name}/part ${i % 4}/${i}.bin`);
  return { name, files: new Map([...paths.map((path) => [path, length] as const), [`${name}/empty`, 0]]) };
}
