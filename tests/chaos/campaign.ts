/**
 * Downloads whose process is killed at random moments and started again, until they are complete.
 *
 * What a kill cost is counted at the seeder: bytes sent in a life, less what the next life has more than the one
 * before. It may be what came since the last note in the resume state, and what was under way.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Metainfo } from "../../lib/protocol/metainfo.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { messageOf } from "../../lib/errors.ts";
import { TRANSFER } from "../../lib/settings.ts";
import { hashOfFile, listFolder } from "../helpers/folder_listing.ts";
import type { Program } from "../helpers/program.ts";
import { momentFor } from "./kill_moments.ts";
import { Life } from "./life.ts";
import type { Seeder } from "./seeder.ts";
import { VerifyingClient } from "./verifying_client.ts";
import type { Aim, Workload } from "./workloads.ts";

/** Noting comes every second, plus a tick, and takes its time on a busy machine. */
const UNNOTED_SECONDS = 2;
/** Pieces under way or being committed, and the one that `bytesAtStart` may be wrong by. */
const PIECES_UNDER_WAY = 4;
/** Far more than any life takes: a download that does not go on has failed. */
const PATIENCE_MS = 120_000;
/** Files of the user's own, beside and among what is downloaded. */
const OWN_FILES = ["notes.txt", "photos/cat.jpg", "move/part 0/own.txt"];

/** What came of one kill. */
export interface Kill {
  readonly hit: Aim;
  /** Bytes that had to be sent again because of it. */
  readonly fetchedAgain: number;
  /** How many that may be. */
  readonly allowed: number;
}

/** What came of one kind of download. */
export interface CampaignResult {
  readonly kills: readonly Kill[];
  readonly downloads: number;
  /** Pieces a third party got from the downloader, all right. */
  readonly verified: number;
  readonly failures: readonly string[];
}

/** What a campaign works with. */
export interface CampaignContext {
  readonly program: Program;
  readonly seeder: Seeder;
  /** The seeder's limit in bytes per second. */
  readonly rate: number;
  /** Where homes of downloaders are made. */
  readonly folder: string;
  random(): number;
  /** Hears how it goes. */
  say(text: string): void;
}

/** One kind of download, again and again. */
export class Campaign {
  readonly #context: CampaignContext;
  readonly #workload: Workload;
  readonly #torrents: ReadonlyMap<string, Metainfo>;
  readonly #totalBytes: number;
  readonly #kills: Kill[] = [];
  readonly #failures: string[] = [];
  #downloads = 0;
  #verified = 0;
  /** Longest times so far, which moments of kills are drawn from. */
  #startMs = 300;
  #checkMs = 50;

  /** `torrents` are what the seeder made of the workload. */
  constructor(context: CampaignContext, workload: Workload, torrents: ReadonlyMap<string, Metainfo>) {
    this.#context = context;
    this.#workload = workload;
    this.#torrents = torrents;
    this.#totalBytes = torrents.values().reduce((sum, { layout }) => sum + layout.totalLength, 0);
  }

  /** Downloads until so many kills were survived, or not. */
  async run(rounds: number): Promise<CampaignResult> {
    while (this.#kills.length + this.#failures.length < rounds) {
      const home = join(this.#context.folder, `${this.#workload.kind}-${++this.#downloads}`);
      try {
        await this.#download(home, rounds);
        await Deno.remove(home, { recursive: true });
      } catch (error) {
        const failure = `${home}: ${messageOf(error)}`;
        this.#context.say(`FAILED ${failure}`);
        this.#failures.push(failure);
      }
    }
    return {
      kills: this.#kills,
      downloads: this.#downloads,
      verified: this.#verified,
      failures: this.#failures,
    };
  }

  /** One download in a new home. Errors: `AssertionError` for the first thing that is not as it should be. */
  async #download(home: string, rounds: number): Promise<void> {
    const own = await this.#makeHome(home);
    let known = 0;
    let uploaded = this.#context.seeder.uploaded;
    let hit: Aim | undefined;
    while (this.#kills.length < rounds) {
      const { aims } = this.#workload;
      const aim = aims[Math.floor(this.#context.random() * aims.length)];
      const life = this.#startLife(home);
      const { joined, next } = await this.#live(life, aim);
      if (hit !== undefined && joined !== undefined) {
      }
    }
    assert.ok(own);
  }
}
