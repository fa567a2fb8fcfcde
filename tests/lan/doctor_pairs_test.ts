/**
 * `peer doctor` in namespaces: any two faults at a time. `deno test … doctor_pairs_test.ts -- all` tries every pair, and
 * otherwise some of them are tried, in which one could hide the other.
 */
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Examination } from "../../lib/api/shapes.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import type { PeerRun } from "../harness/processes/peer_run.ts";
import { run } from "../windows/commands.ts";
import { ClassRoom } from "./class_room.ts";

const FILE = "random.bin";
const data = randomBytes(2 * 1024 * 1024, 31);
const PATIENCE_MS = 60_000;
/** Neighbours answer each machine only so often. */
const LOOK_MS = 4_000;

/** The machine that is examined, which the torrent names as announcer; one that has the data; and two more. */
const PATIENT = 0, SEEDER = 2, OTHERS = [1, 3];

/** What is wrong with a room, before its peers start and while they run, and what the doctor says of it. */
interface Fault {
  readonly name: string;
  before?(room: ClassRoom, stack: AsyncDisposableStack): Promise<void>;
  /** Called again before each look. */
  during?(room: ClassRoom): Promise<void>;
  /** What the patient's firewall drops. */
  readonly drops?: string;
  readonly finding: RegExp;
  /** A fault beside which nobody can see this one, and why. */
  readonly hiddenBy?: Readonly<Record<string, string>>;
}

const FAULTS: readonly Fault[] = [
  {
    name: "wrong announce address",
    before: async (room) => {
      await room.command(PATIENT, "edit", room.torrent, "--announce", "10.99.0.99");
    },
    finding: /: tracker: 10\.99\.0\.99:6969 /,
    hiddenBy: { "tracker port taken": "the torrent does not name that tracker" },
  },
  {
    name: "tracker port taken",
    before: (room) => room.occupy(PATIENT, 6969),
    finding:
      /: tracker: others look for the tracker at 10\.99\.0\.1:6969, which is this machine, but it is on port 6970/,
    hiddenBy: {
      "wrong announce address": "the torrent does not name that tracker",
    },
  },
  { name: "firewall on 6881", drops: "tcp dport 6881", finding: /^peer port: 6881 does not answer / },
  {
    name: "firewall on 6969",
    drops: "tcp dport 6969",
    finding: /^tracker port: 6969 does not answer /,
    hiddenBy: { "tracker port taken": "the tracker is on another port" },
  },
  { name: "firewall on multicast", drops: "udp dport 6771", finding: /^multicast: nothing came of what / },
  { name: "clock", finding: /^clock: .* 1h00m/ },
  {
    name: "disk full",
    before: async (room, stack) => {
      const home = room.home(PATIENT);
      const kept = `${home}-kept`;
      await Deno.rename(home, kept);
      await Deno.mkdir(home);
      await run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", home);
      stack.defer(() => run("umount", "--lazy", home));
      await run("cp", "-r", join(kept, "torrents"), home);
      await Deno.writeFile(join(home, "filler"), new Uint8Array(11 * 2 ** 20));
    },
    finding: /^disk: /,
  },
  {
    name: "no data",
    before: (room) => Deno.remove(join(room.home(SEEDER), "shareable", FILE)),
    finding: /^random\.bin: .*start a machine that has /,
  },
  {
    name: "one address twice",
    during: async (room) => {
      for (const host of OTHERS) await room.runOn(host, "ip", "", "neigh", "flush", "all");
    },
    finding: /: two machines announce themselves as 10\.99\.0\.2:6881/,
    hiddenBy: {
      "tracker port taken": "nobody can announce there",
      "firewall on 6969": "nobody can announce there",
    },
  },
];

const PAIRS = FAULTS.flatMap((first, at) => FAULTS.slice(at + 1).map((second) => [first, second] as const))
  .filter(([first, second]) => !isHidden(first, second));
const SHOWN = Deno.args[0] === "all"
  ? PAIRS
  : PAIRS.filter(([{ name }, other]) =>
    name === "clock" && other.name === "disk full" ||
    name === "tracker port taken" && other.name === "no data"
  );

function isHidden(first: Fault, second: Fault): boolean {
  return first.hiddenBy?.[second.name] !== undefined || second.hiddenBy?.[first.name] !== undefined;
}

const lanTest = needs("linux", "root", "ip", "tc", "nft");
for (const pair of SHOWN) {
  lanTest(`peer doctor finds both: ${pair.map(({ name }) => name).join(", and ")}`, () => findBoth(pair));
}

async function findBoth(faults: readonly Fault[]): Promise<void> {
  const has = (name: string) => faults.some((fault) => fault.name === name);
  await using room = await ClassRoom.of(4, data, true);
  await using stack = new AsyncDisposableStack();
  room.allHaveTrackers = true;
  const seeds = join(room.home(SEEDER), "shareable");
  await Deno.mkdir(seeds, { recursive: true });
  const original = join(room.home(PATIENT), "shareable", FILE);
  await copyFile(original, join(seeds, FILE));
  await Deno.remove(original);
  for (const fault of faults) await fault.before?.(room, stack);
  const drops = faults.flatMap(({ drops }) => drops ?? []);
  if (drops.length > 0) await room.drop(PATIENT, ...drops);
  if (has("one address twice")) { for (const host of OTHERS) await takeAddress(room, host); }

  const runs: PeerRun[] = [];
  for (const host of [PATIENT, SEEDER, ...OTHERS]) {
    const args = [room.torrent, "--port=6881", `--name=pc-${host}`] as const;
    const isLate = host === PATIENT && has("clock");
    const run = isLate ? room.startWithWrongClock(host, ...args) : room.start(host, ...args);
    runs.push(run);
    await run.joined;
  }
  const deadline = performance.now() + PATIENCE_MS;
  while (true) {
    const { checks }: Examination = JSON.parse(await room.command(PATIENT, "doctor", "--json"));
    const wrong = checks.filter(({ verdict }) => verdict === "bad").map(({ subject, finding }) =>
      `${subject}: ${finding}`
    );
    if (faults.every(({ finding }) => wrong.some((each) => finding.test(each)))) {
      console.log(wrong.join("\n"));
      break;
    }
    assert.ok(performance.now() < deadline, wrong.join("\n"));
    for (const fault of faults) await fault.during?.(room);
    await delay(LOOK_MS);
  }
  for (const run of runs) assert.ok(await run.stop());
}

/** Gives a host the address of the first of `OTHERS`, and no IPv6. */
async function takeAddress(room: ClassRoom, host: number): Promise<void> {
  await room.runOn(host, "ip", "", "address", "flush", "dev", "eth0");
  await room.runOn(host, "ip", "", "address", "add", `${room.address(OTHERS[0])}/24`, "dev", "eth0");
  await room.runOn(host, "ip", "", "route", "replace", "default", "dev", "eth0");
}
