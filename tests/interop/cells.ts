/** What is tried with every client and every tracker: the columns of the two matrices, and how a cell is filled. */
import { messageOf } from "../../lib/errors.ts";
import { Arena } from "./arena.ts";
import type { InteropClient } from "./clients/client.ts";
import { Content } from "./content.ts";
import { exchangeFromUs, exchangeToUs, hearThem, hearUs } from "./finding.ts";
import { LanNetwork } from "./lan_network.ts";
import { finishOurs, finishTheirs } from "./resuming.ts";
import type { InteropTracker } from "./trackers.ts";
import { downloadFromUs, magnetFromUs, magnetToUs, meetByTheirs, meetByUs, uploadToUs } from "./transfers.ts";

/** One thing to try with a `Subject`, a client or a tracker. `run` throws an `Error` that says what went wrong. */
export interface Column<Subject> {
  readonly name: string;
  /** What it is, in a few words: the head of its row in the README. */
  readonly about: string;
  /** How many hosts of a LAN it needs; without, it is tried on a loopback interface of its own. */
  readonly hosts?: number;
  /** Whether next to all its time is waiting, as clients exchange peers once a minute. */
  readonly isIdle?: boolean;
  run(subject: Subject, arena: Arena): Promise<void>;
}

/** What stands in a cell. */
export type Outcome =
  | { readonly is: "pass"; readonly seconds: number }
  | { readonly is: "fail"; readonly reason: string }
  /** The client is unable to do it, as its documentation says, or is not installed. */
  | { readonly is: "cannot" | "missing"; readonly reason: string };

/** What is tried with every client. */
export const clientColumns: readonly Column<InteropClient>[] = [
  {
    name: "from us",
    about: "downloads a file from `peer`",
    run: (client, arena) => downloadFromUs(client, arena, Content.singleFile()),
  },
  {
    name: "to us",
    about: "uploads a file to `peer`",
    run: (client, arena) => uploadToUs(client, arena, Content.singleFile()),
  },
  {
    name: "folder from us",
    about: "downloads a folder, with an empty file and names beyond ASCII",
    run: (client, arena) => downloadFromUs(client, arena, Content.folder()),
  },
  {
    name: "folder to us",
    about: "uploads such a folder",
    run: (client, arena) => uploadToUs(client, arena, Content.folder()),
  },
  {
    name: "encrypted from us",
    about: "downloads, with encryption required",
    run: (client, arena) => downloadFromUs(client, arena, Content.singleFile(), true),
  },
  {
    name: "encrypted to us",
    about: "uploads, with encryption required",
    run: (client, arena) => uploadToUs(client, arena, Content.singleFile(), true),
  },
  { name: "magnet from us", about: "takes a magnet link, with `peer` as source", run: magnetFromUs },
  { name: "magnet to us", about: "is the source when `peer` takes a magnet link", run: magnetToUs },
  {
    name: "our HTTP tracker",
    about: "two of it meet by the HTTP tracker of `peer`",
    run: (client, arena) => meetByUs(client, arena, "http"),
  },
  {
    name: "our UDP tracker",
    about: "two of it meet by the UDP tracker of `peer`",
    run: (client, arena) => meetByUs(client, arena, "udp"),
  },
  {
    name: "PEX from us",
    about: "hears of others by peer exchange",
    hosts: 4,
    isIdle: true,
    run: exchangeFromUs,
  },
  {
    name: "PEX to us",
    about: "tells `peer` of others by peer exchange",
    hosts: 4,
    isIdle: true,
    run: exchangeToUs,
  },
  { name: "LSD from us", about: "meets `peer` by local discovery, and downloads", hosts: 2, run: hearUs },
  { name: "LSD to us", about: "is heard by local discovery, and uploads", hosts: 2, run: hearThem },
  { name: "finishes ours", about: "finishes what `peer` began, on the same data", run: finishOurs },
  { name: "begins for us", about: "begins what `peer` finishes, on the same data", run: finishTheirs },
];

/** What is tried with every tracker. */
export const trackerColumns: readonly Column<InteropTracker>[] = [
  {
    name: "HTTP",
    about: "two of `peer` meet by HTTP",
    run: (tracker, arena) => meetByTheirs(tracker, arena, "http"),
  },
  {
    name: "UDP",
    about: "two of `peer` meet by UDP",
    run: (tracker, arena) => meetByTheirs(tracker, arena, "udp"),
  },
];

/** Why a subject is unable to do what a column tries, as its documentation says; undefined when it is able. */
export function inabilityOf<Subject extends InteropClient | InteropTracker>(
  column: Column<Subject>,
  subject: Subject,
): string | undefined {
  return "cannot" in subject ? subject.cannot[column.name] : undefined;
}

/**
 * Fills one cell, of a subject that is installed and able, in an arena of its own.
 *
 * Does not reject. When `signal` aborts, the arena is removed and the cell fails.
 */
export async function tryCell<Subject>(
  column: Column<Subject>,
  subject: Subject,
  signal: AbortSignal,
): Promise<Outcome> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason));
  // It is waited for only while the column runs.
  aborted.catch(() => {});
  try {
    const lan = column.hosts === undefined ? undefined : await LanNetwork.open(column.hosts);
    await using arena = await Arena.open(lan);
    const start = performance.now();
    await Promise.race([column.run(subject, arena), aborted]);
    return { is: "pass", seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    return { is: "fail", reason: messageOf(error) };
  }
}
