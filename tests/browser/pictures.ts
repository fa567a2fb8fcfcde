/**
 * `deno task pictures`: takes the pictures of README.md from a real room on a LAN of network namespaces. Needs what the
 * tests of the LAN need, Chromium and tmux.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openChromium } from "../harness/processes/chromium.ts";
import { randomBytes } from "../harness/data/random.ts";
import { ClassRoom } from "../lan/class_room.ts";
import { serveOutside } from "./outside.ts";
import { terminalSvg } from "./terminal_svg.ts";

const PAGE_PICTURE = fileURLToPath(new URL("../../lib/web/page.png", import.meta.url));
const TERMINAL_PICTURE = fileURLToPath(new URL("../../lib/ui/terminal.svg", import.meta.url));
/** The terminal: the program draws on half of its rows. */
const TERMINAL = { columns: 92, rows: 32 };
/** Hosts beside the announcer; two of them are held up. */
const HOSTS = 11;
const data = randomBytes(64 * 1024 * 1024, 23);

await using room = await ClassRoom.of(HOSTS + 1, data, true);
await room.setRate(7, 3);
const screen = await room.startOnTerminal(
  0,
  TERMINAL,
  room.torrent,
  "--port=6881",
  "--name=lab-01",
  "--max-upload=12M",
);
while (!(await screen()).includes("100%")) await delay(200);
const peers = Array.from({ length: HOSTS }, (_, i) => {
  const limit = i === 6 ? [] : i === 3 ? ["--max-download=300K"] : ["--max-download=5M"];
  return room.start(
    i + 1,
    room.torrent,
    "--port=6881",
    `--name=pc-${String(i + 1).padStart(2, "0")}`,
    ...limit,
  );
});
await Promise.all(peers.map(({ joined }) => joined));
await delay(9_000);
await peers[8].kill();
await delay(4_000);
// The secret of the page's address is of no use to readers.
const drawn = (await screen()).replace(/#token=\S+/, "#token=…");
await Deno.writeTextFile(TERMINAL_PICTURE, terminalSvg(drawn, TERMINAL.columns));
await Promise.all(peers.filter((_, i) => ![3, 6, 8].includes(i)).map(({ completed }) => completed));

const server = serveOutside(room.home(0));
await using browser = await openChromium();
const page = await browser.newPage({ viewport: { width: 1180, height: 740 } });
await page.goto(`http://127.0.0.1:${server.addr.port}/#token=none`);
for (const reason of ["its own limit", "its network"]) {
  await page.waitForSelector(`.host:has-text("slow: ${reason}")`);
}
// Rows are sorted every five seconds, and a line of rates needs some.
await delay(8_000);
await page.screenshot({ path: PAGE_PICTURE });
await page.close();
await server.shutdown();
for (const run of peers.filter((_, i) => i !== 8)) await run.stop();
// The terminal's own process ends with its namespace.
await room[Symbol.asyncDispose]();
Deno.exit();
