/**
 * Kills a session again and again in the middle of orders, and compares what is there at the next start with a model:
 * each order that was acknowledged holds, and the last one holds or does not.
 */
import assert from "node:assert/strict";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { randomBytes, seededRandom } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { linesOf } from "../harness/processes/lines.ts";

/** What is to be there after a restart. */
export interface KeptState {
  choices: Record<string, unknown>;
  bans: string[];
  /** In the order of the queue. */
  torrents: KeptTorrent[];
}

interface KeptTorrent {
  infoHash: string;
  number: number;
  isPaused: boolean;
  labels: string[];
  choices: Record<string, unknown>;
  trackers: string[];
  wanted: string[];
}

/** An order to the session. Orders about the process leave the info-hash out. */
export type Order =
  & { readonly infoHash?: string }
  & (
    | {
      readonly what: "open";
      readonly origin: { readonly bytes: string } | { readonly magnet: string };
      readonly isPaused: boolean;
      readonly labels: string[];
    }
    | { readonly what: "pause" | "resume" | "verify" | "top" | "remove" }
    | { readonly what: "label"; readonly labels: string[] }
    | { readonly what: "choose"; readonly uploadSlots: number }
    | { readonly what: "chooseAll"; readonly downloadSources: number }
    | { readonly what: "select"; readonly only: string[] }
    | { readonly what: "addTracker" | "dropTracker"; readonly url: string }
    | { readonly what: "ban" | "unban"; readonly address: string }
  );

const FILES = ["album/a", "album/b", "album/c"];
const PIECE = 16_384;
/** Trackers that refuse connections at once. */
const TRACKERS = ["http://127.0.0.1:2/announce", "udp://127.0.0.1:3"];

/** Torrents with and without their metadata. */
const CATALOGUE = Array.from({ length: 6 }, (_, seed) => {
  const data = randomBytes(3 * PIECE, seed + 1);
  const files = FILES.map((path) => ({ path: path.split("/").slice(1), length: PIECE }));
  const { infoHash, rawInfo } = metainfoOf(data, PIECE, "album", files);
  const isMagnet = seed % 3 === 2;
  const bytes = encodeMetainfo(rawInfo, { announceTiers: [] }).toBase64();
  return { infoHash, isMagnet, origin: isMagnet ? { magnet: formatMagnet({ infoHash }) } : { bytes } };
});

/** The state after an order. Numbers are not predicted. */
function after(state: KeptState, order: Order): KeptState {
  const next = structuredClone(state);
  const at = next.torrents.findIndex(({ infoHash }) => infoHash === order.infoHash);
  const torrent = next.torrents[at];
  switch (order.what) {
    case "open":
      if (torrent !== undefined) break;
      next.torrents.push({
        infoHash: order.infoHash!,
        number: 0,
        isPaused: order.isPaused,
        labels: order.labels,
        choices: {},
        trackers: [],
        wanted: "magnet" in order.origin ? [] : FILES,
      });
      break;
    case "pause":
    case "resume":
      torrent.isPaused = order.what === "pause";
      break;
    case "verify":
      break;
    case "label":
      torrent.labels = order.labels;
      break;
    case "choose":
      torrent.choices = { uploadSlots: order.uploadSlots };
      break;
    case "chooseAll":
      next.choices = { downloadSources: order.downloadSources };
      break;
    case "select":
      torrent.wanted = order.only.map((name) => `album/${name}`);
      break;
    case "addTracker":
      if (!torrent.trackers.includes(order.url)) torrent.trackers.push(order.url);
      break;
    case "dropTracker":
      torrent.trackers = torrent.trackers.filter((url) => url !== order.url);
      break;
    case "ban":
      next.bans = [...new Set([...next.bans, order.address])].sort();
      break;
    case "unban":
      next.bans = next.bans.filter((address) => address !== order.address);
      break;
    case "top":
      next.torrents.unshift(...next.torrents.splice(at, 1));
      break;
    case "remove":
      next.torrents.splice(at, 1);
  }
  return next;
}

/** A random order that makes sense in a state. */
function randomOrder(state: KeptState, random: () => number): Order {
  const oneOf = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)];
  const some = <Item>(items: readonly Item[]) => items.filter(() => random() < 0.5);
  const entry = oneOf(CATALOGUE);
  const { infoHash } = entry;
  const torrent = state.torrents.find((each) => each.infoHash === infoHash);
  if (torrent === undefined) {
    const labels = some(["x", "y", "z"]);
    return { what: "open", infoHash, origin: entry.origin, isPaused: random() < 0.5, labels };
  }
  const address = `10.0.0.${Math.floor(random() * 4)}`;
  const only = [oneOf(["a", "b", "c"])];
  const makers: (() => Order)[] = [
    () => ({ what: "open", infoHash, origin: entry.origin, isPaused: true, labels: ["other"] }),
    () => ({ what: oneOf(["pause", "resume", "verify", "top", "remove"] as const), infoHash }),
    () => ({ what: oneOf(["pause", "resume"] as const), infoHash }),
    () => ({ what: "label", infoHash, labels: some(["x", "y", "z"]) }),
    () => ({ what: "choose", infoHash, uploadSlots: 1 + Math.floor(random() * 9) }),
    () => ({ what: "chooseAll", downloadSources: 1 + Math.floor(random() * 9) }),
    () => ({ what: oneOf(["ban", "unban"] as const), address }),
    () => ({ what: "addTracker", infoHash, url: oneOf(TRACKERS) }),
    () => {
      const [url] = torrent.trackers;
      return url === undefined ? { what: "pause", infoHash } : { what: "dropTracker", infoHash, url };
    },
    () => entry.isMagnet ? { what: "resume", infoHash } : { what: "select", infoHash, only },
  ];
  return oneOf(makers)();
}

const withoutNumbers = (state: KeptState) => ({
  ...state,
  torrents: state.torrents.map((torrent) => ({ ...torrent, number: 0 })),
});

/** Kills a session in so many rounds. Errors: fails the test when an order is lost. */
export async function killInOrders(rounds: number, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const home = await Deno.makeTempDir({ prefix: "peer-orders-" });
  let possible: KeptState[] = [{ choices: {}, bans: [], torrents: [] }];
  /** The numbers given so far, and those of the torrents that were there at the last start. */
  const given = new Set<number>();
  let numbers = new Map<string, number>();
  let said: Order[] = [];
  for (let round = 0; round <= rounds; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "-q",
        "--no-check",
        new URL("kept_orders_child.ts", import.meta.url).pathname,
        home,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    const next = async () => {
      const { value, done } = await lines.next();
      assert(!done, `round ${round}: the session ended by itself`);
      return value;
    };
    const found: KeptState = JSON.parse(await next());
    const plain = withoutNumbers(found);
    const fits = possible.find((state) => {
      try {
        assert.deepEqual(plain, state);
        return true;
      } catch {
        return false;
      }
    });
    if (fits === undefined) {
      assert.deepEqual(plain, possible.at(-1), `round ${round}: ${JSON.stringify(said)}`);
    }
    for (const { infoHash, number } of found.torrents) {
      const before = numbers.get(infoHash);
      if (before === undefined) assert(!given.has(number), `round ${round}: number ${number} is given twice`);
      else assert.equal(number, before, `round ${round}: another number`);
      given.add(number);
    }
    let state = plain;
    said = [];
    const stdin = child.stdin.getWriter();
    const give = (order: Order) => {
      said.push(order);
      return stdin.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    };
    numbers = new Map(found.torrents.map(({ infoHash, number }) => [infoHash, number]));
    for (let count = Math.floor(random() * 8); count > 0; count--) {
      const order = randomOrder(state, random);
      await give(order);
      assert.equal(await next(), "kept");
      if (order.what === "remove") numbers.delete(order.infoHash!);
      state = after(state, order);
    }
    const last = randomOrder(state, random);
    await give(last);
    await new Promise((resolve) => setTimeout(resolve, random() * 8));
    child.kill("SIGKILL");
    await child.status;
    await lines.return(undefined);
    await stdin.abort().catch(() => {});
    possible = [state, after(state, last)];
  }
  await Deno.remove(home, { recursive: true });
}
