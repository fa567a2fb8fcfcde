/** One measured transfer over loopback TCP, in the same way for every program. */
import { freePort } from "../interop/arena.ts";
import type { RunningProcess, Spawn } from "../harness/processes/running_process.ts";
import type { Contender, Part } from "./clients/contender.ts";
import { MeetingTracker } from "./meeting_tracker.ts";
import { loopbackAddress } from "./own_network.ts";
import { interfaceBytes, ProcessMeter, type ProcessUse } from "./process_meter.ts";
import { KIB, MIB, type TestFile } from "./test_file.ts";
import { exists, until, Workshop } from "./workshop.ts";

/** More than announces and handshakes need: behind this, payload has begun. */
const FIRST_PAYLOAD_BYTES = 64 * KIB;
/** Bytes that cannot be announces, haves or keep-alives between two looks. */
const PAYLOAD_STEP_BYTES = 16 * KIB;
/** Seeders check their data first; Transmission waits long before it connects. */
const READY_TIMEOUT_SECONDS = 120;
/** Nobody here is slower. */
const LEAST_MIB_PER_SECOND = 5;

/** Whether a transfer took so long that another one would tell nothing new: such programs are measured once. */
export function wasSlow({ seconds }: Transfer): boolean {
  return seconds > 20;
}

/** How `measureTransfer` counts, for the report. */
export const TRANSFER_METHOD =
  `The kernel's byte counter of the loopback interface, read every 5 ms, gives first and
last payload, and with them MiB/s, in the same way for all; "complete s after" is how much later the leecher itself says
that it has everything (event, hook or alert, some of which come late). CPU time (user and system, all threads) counts
from the first payload until then; memory is the highest anonymous memory (RssAnon, every 50 ms) in that time. Who took
more than 20 s was measured once.`;

/** Who sends what to whom. */
interface TransferPlan {
  readonly seeder: Contender;
  readonly leecher: Contender;
  /** How many leechers. */
  readonly leechers: number;
  readonly file: TestFile;
  /** Bytes. */
  readonly pieceLength: number;
  /** Folder to work in; memory unless named. */
  readonly parent: string | undefined;
}

/** What a transfer took. CPU time and memory count from the first payload until the last leecher said it is complete. */
export interface Transfer {
  /** From the first to the last payload that the loopback interface carried. */
  readonly seconds: number;
  /** Payload that all leechers together received in that time, per second. */
  readonly mibPerSecond: number;
  /** From the last payload until the last leecher said that it is complete. */
  readonly tailSeconds: number;
  readonly seeder: ProcessUse;
  readonly leechers: readonly ProcessUse[];
}

/** Runs and measures a transfer. Errors: `Error` when a program fails or takes too long. */
export async function measureTransfer(plan: TransferPlan): Promise<Transfer> {
  await using workshop = new Workshop(plan.parent);
  const meeting = new MeetingTracker(loopbackAddress());
  workshop.defer(() => meeting.close());
  const torrent = `${workshop.folder}/content.torrent`;
  plan.file.writeTorrent(torrent, plan.pieceLength, meeting.url);

  const seederPort = freePort();
  const join = (role: Part["role"], contender: Contender, port: number, number: number) =>
    startPart(workshop, plan.file, contender, {
      role,
      torrent,
      name: plan.file.name,
      home: workshop.newFolder(),
      address: loopbackAddress(number),
      port,
      seeder: `${loopbackAddress()}:${seederPort}`,
    });
  const seeder = await join("seeder", plan.seeder, seederPort, 0);
  await until(
    () => seeder.isReady() || meeting.hasSeeder(seederPort),
    [seeder.program],
    READY_TIMEOUT_SECONDS,
  );

  const before = interfaceBytes("lo").received;
  const leechers = await Promise.all(
    Array.from({ length: plan.leechers }, (_, i) => join("leecher", plan.leecher, freePort(), 1 + i)),
  );
  const programs = [seeder, ...leechers].map(({ program }) => program);
  await until(
    () => interfaceBytes("lo").received - before > FIRST_PAYLOAD_BYTES,
    programs,
    READY_TIMEOUT_SECONDS,
  );
  const meter = new ProcessMeter(programs.map(({ pid }) => pid));
  const begin = performance.now();
  const mebibytes = plan.leechers * plan.file.length / MIB;
  let carried = interfaceBytes("lo").received, lastPayload = begin;
  const isOver = () => {
    const bytes = interfaceBytes("lo").received;
    if (bytes - carried >= PAYLOAD_STEP_BYTES) {
      carried = bytes;
      lastPayload = performance.now();
    }
    return leechers.every((leecher) => leecher.isComplete());
  };
  try {
    await until(isOver, programs, 30 + mebibytes / LEAST_MIB_PER_SECOND);
    const tailSeconds = (performance.now() - lastPayload) / 1000;
    const seconds = Math.max(lastPayload - begin, 1) / 1000;
    const [seederUse, ...leecherUses] = meter.stop();
    return {
      seconds,
      mibPerSecond: mebibytes / seconds,
      tailSeconds,
      seeder: seederUse,
      leechers: leecherUses,
    };
  } finally {
    meter.cancel();
  }
}

/** Starts a contender's part; a seeder is given the file as a hard link. `spawn` starts it somewhere else. */
export async function startPart(
  workshop: Workshop,
  file: TestFile,
  contender: Contender,
  part: Part,
  spawn?: Spawn,
): Promise<{ program: RunningProcess; isReady: () => boolean; isComplete: () => boolean }> {
  const folder = contender.dataFolder(part);
  Deno.mkdirSync(folder, { recursive: true });
  if (part.role === "seeder") Deno.linkSync(file.path, `${folder}/${file.name}`);
  const { launch, saysReady, saysComplete, doneFile } = await contender.prepare(part);
  let hasSaidReady = false, hasSaidComplete = false;
  const onLine = (line: string) => {
    hasSaidReady ||= saysReady?.(line) ?? false;
    hasSaidComplete ||= saysComplete?.(line) ?? false;
  };
  return {
    program: workshop.start(launch, onLine, spawn),
    isReady: () => hasSaidReady,
    isComplete: () => hasSaidComplete || (doneFile !== undefined && exists(doneFile)),
  };
}
