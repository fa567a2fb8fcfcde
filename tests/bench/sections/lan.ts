import type { RunningProcess } from "../../harness/processes/running_process.ts";
import { Lan } from "../../lan/namespaces.ts";
import type { Contender, Part } from "../clients/contender.ts";
import { libtorrentTuned } from "../clients/libtorrent.ts";
import { peer } from "../clients/peer.ts";
import { aria2 } from "../clients/reference.ts";
import { denoLaunch } from "../deno_launch.ts";
import { attempt, type BenchOptions, findContenders, say } from "../options.ts";
import { interfaceBytes } from "../process_meter.ts";
import { figure, median, spread, table } from "../report.ts";
import { KIB, MIB, TestFile } from "../test_file.ts";
import { startPart } from "../transfer.ts";
import { until, Workshop } from "../workshop.ts";

const PIECE_LENGTH = 256 * KIB;
const PEER_PORT = 6881;
const MEETING_PORT = 7000;
const READY_TIMEOUT_SECONDS = 60;
/** Times that the slowest may take, in one-copy times of every receiver one after another. */
const PATIENCE = 3;

/** How many receivers there are, and what each host's link carries each way. */
interface Net {
  readonly receivers: number;
  readonly mbit: number;
}

const NETS: readonly Net[] = [
  { receivers: 1, mbit: 100 },
  { receivers: 4, mbit: 100 },
  { receivers: 8, mbit: 100 },
  { receivers: 16, mbit: 100 },
  // So slow that a machine of few cores can play all hosts, and the links alone decide.
  { receivers: 16, mbit: 25 },
];
const TINY_NETS: readonly Net[] = [{ receivers: 2, mbit: 100 }];

/** What a distribution took. */
interface Distribution {
  /** Seconds from the moment the seeder was let go until each receiver said it is complete, in ascending order. */
  readonly seconds: readonly number[];
  /** What the seeder's interface sent, in copies of the file; protocol overhead is in it. */
  readonly copiesBySeeder: number;
  /** Share of all received bytes that came from other receivers, 0 to 1. */
  readonly shareFromReceivers: number;
}

/** One seeder to many receivers on a LAN of network namespaces with links of one rate each way. */
export async function benchLan(options: BenchOptions): Promise<string> {
  const unavailable = Lan.unavailable();
  if (unavailable !== undefined) {
    say(`skipped: lan: ${unavailable}`);
    return `Skipped: ${unavailable}.`;
  }
  const length = options.isTiny ? 2 * MIB : 64 * MIB;
  const { present, versions } = await findContenders(options, [peer, libtorrentTuned, aria2]);
  await using workshop = new Workshop(options.parent);
  const file = new TestFile(workshop.folder, length);
  const rows: string[][] = [];
  const oneCopySeconds = new Map<number, number>();
  for (const net of options.isTiny ? TINY_NETS : NETS) {
    const one = oneCopySeconds.get(net.mbit) ?? await chain({ ...net, receivers: 1 }, file, options.parent);
    oneCopySeconds.set(net.mbit, one);
    rows.push(...await measureNet(net, file, one, present, options));
  }
  const copies = [...oneCopySeconds].map(([mbit, seconds]) => `${figure(seconds)} s at ${mbit} Mbit/s`);
  const how = `${length / MIB} MiB in pieces of ${
    PIECE_LENGTH / KIB
  } KiB from one seeder to 1 to 16 receivers, each host a
network namespace with a link of so many Mbit/s each way (tbf). Times are multiples of what one TCP connection takes to
carry one copy over such a link: ${copies.join(", ")}.
A tracker tells everybody of everybody; the seeder is held (SIGSTOP) until every receiver has announced itself, then the
clock starts. Copies and shares are read from the interfaces' byte counters. "limit" is what this machine can do at
all: every host sends one copy to the next with the bare Deno pipes of \`pair\`, all at the same time, so that the same
bytes cross the same links without BitTorrent. ${versions}.`;
  const header = [
    "receivers, links",
    "median receiver",
    "last receiver",
    "copies sent by seeder",
    "from other receivers",
  ];
  return [how, table(header, rows)].join("\n\n");
}

/** The rows of one network, ours and the others' in turns. */
async function measureNet(
  net: Net,
  file: TestFile,
  oneCopySeconds: number,
  contenders: readonly Contender[],
  { runs, parent }: BenchOptions,
): Promise<string[][]> {
  const title = `${net.receivers} × ${net.mbit} Mbit/s`;
  const results = new Map(contenders.map((contender): [Contender, Distribution[]] => [contender, []]));
  const limits: number[] = [];
  for (let run = 1; run <= runs; run++) {
    for (const [contender, distributions] of results) {
      const timeoutSeconds = READY_TIMEOUT_SECONDS + PATIENCE * net.receivers * oneCopySeconds;
      const measure = () => distribute(contender, net, file, timeoutSeconds, parent);
      const distribution = await attempt(contender.name, measure);
      if (distribution === undefined) continue;
      distributions.push(distribution);
      const last = figure(distribution.seconds.at(-1)! / oneCopySeconds);
      say(`lan, ${title}, run ${run}: ${contender.name}: last after ${last} one-copy times`);
    }
    const seconds = await attempt("limit", () => chain(net, file, parent));
    if (seconds !== undefined) limits.push(seconds / oneCopySeconds);
  }
  const rows = [[`${title}: limit`, "–", spread(limits), "1.0", "–"]];
  for (const [{ name }, distributions] of results) {
    rows.push([
      `${title}: ${name}`,
      spread(distributions.map(({ seconds }) => median(seconds) / oneCopySeconds)),
      spread(distributions.map(({ seconds }) => seconds.at(-1)! / oneCopySeconds)),
      figure(median(distributions.map(({ copiesBySeeder }) => copiesBySeeder))),
      `${Math.round(100 * median(distributions.map(({ shareFromReceivers }) => shareFromReceivers)))} %`,
    ]);
  }
  return rows;
}

/** Seconds in which each of some hosts gets one copy from the one before it, all at once, without BitTorrent. */
async function chain({ receivers, mbit }: Net, file: TestFile, parent: string | undefined): Promise<number> {
  await using workshop = new Workshop(parent);
  const lan = await Lan.create(receivers + 1, mbit);
  workshop.defer(() => lan.close());
  const run = (host: number, args: string[], hear: (line: string) => void) =>
    workshop.start(
      denoLaunch("tests/bench/limit_pipe.ts", args, workshop.newFolder()),
      hear,
      (...launch) => lan.spawn(host, ...launch),
    );
  const endpoint = (host: number) => `${lan.address(host)}:${PEER_PORT}`;
  const hosts = Array.from({ length: receivers }, (_, i) => i);
  let listening = 0, receiving = 0, complete = 0, begin = 0;
  const senders = hosts.map((host) =>
    run(host, ["send", file.path, endpoint(host)], (line) => listening += line === "listening" ? 1 : 0)
  );
  await until(() => listening === receivers, senders, READY_TIMEOUT_SECONDS);
  const hear = (line: string) => {
    if (line === "complete") complete++;
    else if (++receiving === 1) begin = performance.now();
  };
  const receiversRunning = hosts.map((host) =>
    run(host + 1, ["receive", `${workshop.newFolder()}/copy`, endpoint(host)], hear)
  );
  await until(() => complete === receivers, [...senders, ...receiversRunning], READY_TIMEOUT_SECONDS);
  return (performance.now() - begin) / 1000;
}

async function distribute(
  contender: Contender,
  { receivers, mbit }: Net,
  file: TestFile,
  timeoutSeconds: number,
  parent: string | undefined,
): Promise<Distribution> {
  await using workshop = new Workshop(parent);
  // Host 0 seeds, hosts 1 to `receivers` receive, and the last one runs the tracker.
  const lan = await Lan.create(receivers + 2, mbit);
  workshop.defer(() => lan.close());
  const meetingHost = receivers + 1;
  const announced = new Map<string, number>();
  const tracker = workshop.start(
    denoLaunch(
      "tests/bench/meeting_tracker.ts",
      [lan.address(meetingHost), `${MEETING_PORT}`],
      workshop.newFolder(),
    ),
    (line) => {
      const [endpoint, left] = line.split(" ");
      announced.set(endpoint, Number(left));
    },
    (...launch) => lan.spawn(meetingHost, ...launch),
  );
  const torrent = `${workshop.folder}/content.torrent`;
  file.writeTorrent(torrent, PIECE_LENGTH, `http://${lan.address(meetingHost)}:${MEETING_PORT}/announce`);

  const endpointOf = (host: number) => `${lan.address(host)}:${PEER_PORT}`;
  const join = (role: Part["role"], host: number) =>
    startPart(workshop, file, contender, {
      role,
      torrent,
      name: file.name,
      home: workshop.newFolder(),
      address: lan.address(host),
      port: PEER_PORT,
      seeder: endpointOf(0),
    }, (...launch) => lan.spawn(host, ...launch));

  const seeder = await join("seeder", 0);
  await until(() => announced.get(endpointOf(0)) === 0, [seeder.program, tracker], READY_TIMEOUT_SECONDS);
  Deno.kill(seeder.program.pid, "SIGSTOP");
  const hosts = Array.from({ length: receivers }, (_, i) => i + 1);
  const leechers = await Promise.all(hosts.map((host) => join("leecher", host)));
  const programs = [seeder, ...leechers].map(({ program }) => program);
  await until(() => hosts.every((host) => announced.has(endpointOf(host))), programs, READY_TIMEOUT_SECONDS);

  const before = programs.map(carried);
  const begin = performance.now();
  Deno.kill(seeder.program.pid, "SIGCONT");
  const seconds: number[] = [];
  const pending = new Set(leechers);
  const isOver = () => {
    for (const leecher of pending) {
      if (!leecher.isComplete()) continue;
      pending.delete(leecher);
      seconds.push((performance.now() - begin) / 1000);
    }
    return pending.size === 0;
  };
  await until(isOver, programs, timeoutSeconds);
  const after = programs.map(carried);
  const sent = after[0].sent - before[0].sent;
  const received = after.slice(1).reduce((sum, bytes, i) => sum + bytes.received - before[i + 1].received, 0);
  return {
    seconds,
    copiesBySeeder: sent / file.length,
    shareFromReceivers: Math.max(0, 1 - sent / received),
  };
}

function carried(program: RunningProcess) {
  return interfaceBytes("eth0", program.pid);
}
