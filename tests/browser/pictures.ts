/**
 * `deno task pictures`: takes the pictures of README.md from a real room on a LAN of network namespaces. Needs what the
 * tests of the LAN need, and Chromium.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PAGES } from "../../lib/web/pages.ts";
import { openChromium } from "../harness/processes/chromium.ts";
import { randomBytes } from "../harness/data/random.ts";
import { ClassRoom } from "../lan/class_room.ts";

const PAGE_PICTURE = fileURLToPath(new URL("../../lib/web/page.png", import.meta.url));
/** Hosts beside the announcer; two of them are held up. */
const HOSTS = 11;
const data = randomBytes(64 * 1024 * 1024, 23);

/** Serves the page to a browser outside of the LAN: files as they are, the API from the control socket of a home. */
function serveOutside(home: string): Deno.HttpServer<Deno.NetAddr> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: `${home}/state/control.sock` } });
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    const file = PAGES.get(pathname);
    if (file !== undefined) return new Response(file.text, { headers: { "Content-Type": file.type } });
    return fetch(`http://localhost${pathname}`, { client });
  });
}

await using room = await ClassRoom.of(HOSTS + 1, data, true);
await room.setRate(7, 8);
const announcer = room.start(0, room.torrent, "--port=6881", "--name=lab-01", "--max-upload=12M");
await announcer.joined;
const peers = Array.from({ length: HOSTS }, (_, i) => {
  const limit = i === 3 ? ["--max-download=900K"] : ["--max-download=5M"];
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
await Promise.all(peers.filter((_, i) => ![3, 6, 8].includes(i)).map(({ completed }) => completed));

const server = serveOutside(room.home(0));
await using browser = await openChromium();
const page = await browser.newPage({ viewport: { width: 1100, height: 720 } });
await page.goto(`http://127.0.0.1:${server.addr.port}/#token=none`);
await page.waitForSelector(".host");
await delay(8_000);
await page.screenshot({ path: PAGE_PICTURE });
await page.close();
await server.shutdown();
for (const run of [announcer, ...peers.filter((_, i) => i !== 8)]) await run.stop();
Deno.exit();
