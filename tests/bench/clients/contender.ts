import type { Availability } from "../../interop/clients/client.ts";
import type { Launch } from "../../harness/processes/running_process.ts";

/** What a contender is to do in one swarm of one file. */
export interface Part {
  readonly role: "seeder" | "leecher";
  readonly torrent: string;
  /** Name of the torrent's file. */
  readonly name: string;
  /** An empty folder for settings, state and data. */
  readonly home: string;
  readonly address: string;
  readonly port: number;
  /** Where the first seeder listens, "address:port", for those that ask no tracker. */
  readonly seeder: string;
}

/** How a contender is run for one part. */
export interface Start {
  readonly launch: Launch;
  /** Whether a line of its standard output says "I have everything". */
  readonly saysComplete?: (line: string) => boolean;
  /** The file it creates to say so, where it says nothing. */
  readonly doneFile?: string;
  /** Whether a line says "I am ready to serve"; without it, an announce as a seeder does. */
  readonly saysReady?: (line: string) => boolean;
}

/** A program that takes part in the measurements. It stays and seeds after it is complete. */
export interface Contender {
  readonly name: string;
  find(): Promise<Availability>;
  /** The folder, below `part.home`, where its data lies or will be. */
  dataFolder(part: Part): string;
  /** Writes settings and says how to start it. The data folder exists; a seeder's holds the file. */
  prepare(part: Part): Promise<Start>;
}
