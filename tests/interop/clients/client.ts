/** What the matrix needs to know of a BitTorrent client of somebody else. */
import { type Launch, outputOf } from "../../harness/processes/running_process.ts";

/** One swarm for a client to join. */
interface Job {
  /** Path of a `.torrent` file, or a magnet link. */
  readonly torrent: string;
  /** Where the data is or shall be; the torrent's file or folder lies directly in it. */
  readonly folder: string;
  /** An empty folder for the client's settings and state. */
  readonly home: string;
  /** Where it listens for peers, and from where it connects as far as it lets us say. */
  readonly address: string;
  readonly port: number;
  /** Talk to encrypted peers only. */
  readonly mustEncrypt: boolean;
  /** Look for peers by multicast (BEP 14). */
  readonly localDiscovery: boolean;
}

/** Whether a client can be run here: its version, or the reason why not. */
export type Availability = { readonly version: string } | { readonly missing: string };

/**
 * A client of somebody else.
 *
 * A client joins a swarm with what is in the folder: complete data is seeded, a part is completed, nothing is
 * downloaded. It keeps seeding until it is stopped. Whether it did its job is seen from outside, on the files
 * and at the tracker, so nothing here speaks to its remote control. DHT, uTP and port mapping are always off.
 */
export interface InteropClient {
  readonly name: string;
  /** What `require_tool.ts` calls it. */
  readonly needs: string;
  /** What the client is unable to do: column of the matrix to the documentation that says so. */
  readonly cannot: Readonly<Record<string, string>>;
  /** What says that it downloads all data, but creates no file of length 0, which is no failure of a cell. */
  readonly omitsEmptyFiles?: string;
  find(): Promise<Availability>;
  /** Writes its settings below `job.home` and says how to start it. */
  prepare(job: Job): Promise<Launch>;
}

/** Availability of a program that prints its version; `pattern` captures the number. */
export async function findProgram(command: string, args: string[], pattern: RegExp): Promise<Availability> {
  const version = await outputOf(command, args, pattern);
  return version === undefined ? { missing: `${command} is not installed` } : { version };
}
