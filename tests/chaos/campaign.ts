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
import { formatBytes } from "../../lib/ui/number_format.ts";
import { describeTorrent, readTorrent } from "../../lib/session/torrent_tools.ts";
import { hashOfFile, listFolder } from "../harness/data/folder_listing.ts";
import type { Program } from "../harness/processes/program.ts";
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

/** What a kill that in truth hit the move may look like, when nothing of the move was seen yet. */
const FLUSHING: readonly Aim[] = ["downloading", "noting", "syncing"];

/** What came of one kill. */
interface Kill {
  readonly hit: Aim;
  /** Bytes that had to be sent again because of it. */
  readonly fetchedAgain: number;
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
interface CampaignContext {
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
  /** Aims that are still to be drawn. */
  #aims: Aim[] = [];
  #downloads = 0;
  #verified = 0;
  /** Last times measured, which moments of kills are drawn from. */
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
        await this.#context.seeder.settled();
      }
    }
    return {
      kills: this.#kills,
      downloads: this.#downloads,
      verified: this.#verified,
      failures: this.#failures,
    };
  }

  /** One download in a new home. Errors: `Error` for the first thing that is not as it should be. */
  async #download(home: string, rounds: number): Promise<void> {
    const { seeder } = this.#context;
    const own = await this.#makeHome(home);
    let start = { bytes: 0, uploaded: seeder.uploaded };
    let sent = seeder.uploaded;
    let hits: Aim[] = [];
    for (;;) {
      const aim = this.#kills.length + hits.length < rounds ? this.#drawAim() : undefined;
      const life = this.#begin(home);
      try {
        const moment = aim === undefined ? life.complete.promise : this.#momentFor(aim, life);
        await this.#survived(life, Promise.race([moment, life.joined.promise]));
        if (life.joinedAt !== undefined) {
          this.#account(hits, sent - start.uploaded, life.bytesAtStart - start.bytes, life);
          hits = [];
          start = { bytes: life.bytesAtStart, uploaded: sent };
          this.#verifyFrom(life);
          if (life.isComplete) return await this.#finish(life, home, own);
        }
        await this.#survived(life, moment);
        if (aim === undefined) return await this.#finish(life, home, own);
        hits.push(life.phase(aim));
      } finally {
        await life.kill();
      }
      await this.#lookBack(life);
      if (life.readyAt !== undefined) await seeder.settled();
      sent = seeder.uploaded;
    }
  }

  #begin(home: string): Life {
    const { program, rate } = this.#context;
    const torrents = [...this.#torrents.values()];
    const named = this.#workload.isMagnet ? torrents.map((metainfo) => describeTorrent(metainfo).magnet) : [];
    return new Life(program, home, this.#torrents, named, rate / 4);
  }

  /** Makes a home with all torrents and the user's own files, and lists it. */
  async #makeHome(home: string): Promise<Record<string, string>> {
    await Deno.mkdir(join(home, "torrents"), { recursive: true });
    for (const { name } of this.#workload.isMagnet ? [] : this.#workload.torrents) {
      const torrent = join("torrents", `${name}.torrent`);
      await Deno.copyFile(join(this.#context.seeder.home, torrent), join(home, torrent));
    }
    for (const path of OWN_FILES) {
      await Deno.mkdir(join(home, "shareable", path, ".."), { recursive: true });
      await Deno.writeTextFile(join(home, "shareable", path), `${path} is the user's own`);
    }
    return filesIn(await listFolder(home));
  }

  /** Every aim comes once before one comes again. */
  #drawAim(): Aim {
    if (this.#aims.length === 0) this.#aims = [...this.#workload.aims];
    return this.#aims.splice(Math.floor(this.#context.random() * this.#aims.length), 1)[0];
  }

  #momentFor(aim: Aim, life: Life): Promise<void> {
    const { random, rate } = this.#context;
    return momentFor(aim, {
      life,
      startMs: this.#startMs,
      checkMs: this.#checkMs,
      remainingMs: () => (this.#totalBytes - life.bytesAtStart) * 1_000 / rate,
      random,
    });
  }

  /** What `moment` resolves to, unless the process ends by itself or nothing goes on. */
  async #survived(life: Life, moment: Promise<void>): Promise<void> {
    const given = new AbortController();
    const timeout = pause(PATIENCE_MS, undefined, given).then(() => {
      throw new Error(`Expected the process to go on within ${PATIENCE_MS} ms, got ${life.run.lines.at(-1)}`);
    });
    try {
      await Promise.race([moment, life.run.ended, this.#context.seeder.ended, timeout]);
    } finally {
      given.abort();
    }
  }

  /** Enters what the kills since the last joined life cost; the first of them hit a life that had joined. */
  #account(hits: readonly Aim[], sent: number, gained: number, life: Life): void {
    const { seeder, rate, say } = this.#context;
    assert.ok(gained >= 0, `Expected no less than before a kill, got ${-gained} bytes less`);
    const pieceLength = Math.max(...this.#torrents.values().map(({ layout }) => layout.pieceLength));
    const underWay = TRANSFER.firstWindow * BLOCK_LENGTH + PIECES_UNDER_WAY * pieceLength;
    const seconds = UNNOTED_SECONDS + TRANSFER.windowMs / 1_000;
    const allowed = Math.max(seeder.takePeakRate(), rate) * seconds + this.#torrents.size * underWay;
    const lost = sent - gained;
    hits.forEach((aimed, position) => {
      const hadAll = life.bytesAtStart === this.#totalBytes && FLUSHING.includes(aimed);
      const kill: Kill = {
        hit: hadAll ? "moving" : aimed,
        fetchedAgain: position === 0 ? Math.max(0, lost) : 0,
      };
      this.#kills.push(kill);
      say(`kill ${this.#kills.length} hit ${kill.hit}: ${formatBytes(kill.fetchedAgain)} again`);
    });
    assert.ok(lost <= allowed, `Expected at most ${allowed} bytes fetched again, got ${lost} (${hits[0]})`);
  }

  /** Gets a torrent's pieces from the downloader as it gets them. */
  #verifyFrom(life: Life): void {
    const { random } = this.#context;
    const torrents = [...this.#torrents.values()];
    const metainfo = torrents[Math.floor(random() * torrents.length)];
    life.verifying = life.ready.promise.then((port) => VerifyingClient.run(port, metainfo, random));
    life.verifying.catch(() => {});
  }

  /** What a life that is over told, and what was got from it. */
  async #lookBack(life: Life): Promise<void> {
    assert.deepEqual(life.failures, []);
    this.#verified += await life.verifying;
    if (life.readyAt === undefined) return;
    this.#startMs = life.readyAt - life.startedAt;
    if (life.joinedAt !== undefined) this.#checkMs = life.joinedAt - life.readyAt;
  }

  /** All is there: stops the process and compares every file. */
  async #finish(life: Life, home: string, own: Readonly<Record<string, string>>): Promise<void> {
    assert.ok(await life.stop(), "Expected a clean stop, got another exit status");
    await this.#lookBack(life);
    const listing = filesIn(await listFolder(home));
    for (const [path, description] of Object.entries(own)) {
      assert.equal(listing[path], description, `${path} is the user's own`);
    }
    const originals = new Set<string>();
    for (const { name, files } of this.#workload.torrents) {
      const torrent = join("torrents", `${name}.torrent`);
      assert.ok(this.#torrents.has((await readTorrent(join(home, torrent))).infoHash), torrent);
      originals.add(torrent);
      for (const path of files.keys()) {
        const hash = await hashOfFile(join(this.#context.seeder.home, "shareable", path));
        assert.equal(await hashOfFile(join(home, "shareable", path)), hash, path);
        originals.add(join("shareable", path));
      }
    }
    const others = Object.keys(listing).filter((path) => !(path in own) && !originals.has(path));
    assert.deepEqual(
      others.filter((path) => !/^state\/(lock|web-password|peer\.kv(-shm|-wal)?)$/.test(path)),
      [],
    );
  }
}

/** Only the files of a listing. */
function filesIn(listing: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(listing).filter(([, text]) => !text.startsWith("folder")));
}
