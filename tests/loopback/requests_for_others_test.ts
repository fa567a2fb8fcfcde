/** What torrents, magnet links and servers name is not asked for where other programs of this machine listen. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { IpFilter } from "../../lib/net/addresses/ip_filter.ts";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { type Shared, sharedData, TestSession } from "../harness/sessions/test_session.ts";
import { Tripwire } from "../harness/sessions/tripwire.ts";

const SHARED = sharedData(100_000);

/** Writes a torrent into `torrents/` and joins its swarm. */
async function joinWith(
  { session, home }: TestSession,
  { metainfo }: Shared,
  { announce = [], webSeeds = [] }: { announce?: string[]; webSeeds?: string[] },
): Promise<void> {
  const path = join(home, "torrents", "shared.torrent");
  const announceTiers = announce.map((url) => [url]);
  await Deno.writeFile(path, encodeMetainfo(metainfo.rawInfo, { announceTiers, webSeeds }));
  await session.add(path, []);
}

/** A web server that has the data, and counts what it was asked for. */
function webServer(shared: Shared) {
  let requests = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ headers }) => {
    requests++;
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range")!)!.map(Number);
    return new Response(shared.data.slice(first, last + 1), {
      status: 206,
      headers: { "content-range": `bytes ${first}-${last}/${shared.data.length}` },
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A server that redirects everybody. */
function redirector(location: string) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(null, { status: 302, headers: { location } }),
  );
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const REFUSED = /tracker .*: (Expected the path|Expected an address|Refused a redirect)/;

Deno.test("Session calls no service of this machine for the trackers of a torrent or a magnet link", async () => {
  using tripwire = new Tripwire();
  const { port } = tripwire;
  await using moved = redirector(`http://127.0.0.1:${port}/announce`);
  const announce = [
    `http://127.0.0.1:${port}/shutdown`,
    `http://localhost:${port}/x?info_hash=1`,
    `http://[::1]:${port}/`,
    `http://0.0.0.0:${port}/announce`,
    `udp://127.0.0.1:${port}/x`,
    `http://127.0.0.1:${moved.port}/announce`,
  ];
  // The same refusal of one host and port is logged once, for HTTP and UDP alike.
  const refusals = announce.length - 1;
  await using byFile = await TestSession.start();
  await joinWith(byFile, SHARED, { announce });
  await byFile.whenLogged(REFUSED, refusals);
  await using byLink = await TestSession.start();
  const link = formatMagnet({ infoHash: SHARED.metainfo.infoHash, trackers: announce });
  byLink.session.addMagnet(link, []).catch(() => {});
  await byLink.whenLogged(REFUSED, refusals);
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("Session asks a web seed on this machine that a torrent names, but no other service for it", async () => {
  using tripwire = new Tripwire();
  await using moved = redirector(`http://127.0.0.1:${tripwire.port}/file`);
  await using good = webServer(SHARED);
  await using session = await TestSession.start();
  const webSeeds = [
    `http://127.0.0.1:${tripwire.port}/file?delete=all`,
    `http://127.0.0.1:${moved.port}/file`,
    `http://0.0.0.0:${tripwire.port}/`,
    good.url,
  ];
  await joinWith(session, SHARED, { webSeeds });
  await session.completes(SHARED);
  assert.ok(good.requests > 0);
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("Session asks no web seed on this machine that a magnet link names, now or after a restart", async () => {
  await using good = webServer(SHARED);
  await using seeder = await TestSession.start();
  await seeder.seed(SHARED);
  await using session = await TestSession.start();
  const { infoHash } = SHARED.metainfo;
  const link = formatMagnet({ infoHash, webSeeds: [good.url], peers: [`127.0.0.1:${seeder.session.port}`] });
  await session.session.addMagnet(link, []);
  await session.completes(SHARED);
  assert.equal(good.requests, 0);
  const [saved] = await Array.fromAsync(Deno.readDir(join(session.home, "torrents")));
  const bytes = await Deno.readFile(join(session.home, "torrents", saved.name));
  assert.doesNotMatch(new TextDecoder("latin1").decode(bytes), /url-list/);
});

Deno.test("Session with an address filter asks no tracker and no web seed at a blocked address", async () => {
  using tripwire = new Tripwire();
  await using session = await TestSession.start({ ipFilter: new IpFilter("127.0.0.1") });
  const announce = [`http://127.0.0.1:${tripwire.port}/announce`, `udp://127.0.0.1:${tripwire.port}`];
  await joinWith(session, SHARED, { announce, webSeeds: [`http://127.0.0.1:${tripwire.port}/file`] });
  await session.whenLogged(/tracker .*: Expected an address that is not blocked/);
  assert.equal(await tripwire.calls(), 0);
});
