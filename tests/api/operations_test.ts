/** Every operation of the OpenAPI document, with good and with bad input. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { OPERATIONS, PREFIX } from "../../lib/api/app.ts";
import { PROBLEM_TYPE } from "../../lib/api/problem.ts";
import { keyText } from "../../lib/protocol/fleet_key.ts";
import { shareCode } from "../../lib/protocol/share_code.ts";
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";
import { ApiHome } from "./api_home.ts";

/** The parts of the document that the tests go through. */
interface Document {
  readonly paths: Record<string, Record<"get" | "post", Described>>;
}
interface Described {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: BodySchema } };
  };
}
interface BodySchema {
  readonly properties: Record<string, unknown>;
  readonly required?: readonly string[];
}

const OTHER_FOLDER = Deno.makeTempDirSync();
/** A file outside of every home. */
const OTHER_FILE = `${OTHER_FOLDER}/notes.txt`;
Deno.writeTextFileSync(OTHER_FILE, "some notes");

/** Data that a lead of a fleet offers this session. */
const OFFERED = sharedData(70_000);

/** Bodies that are fine, by path below the prefix; the order matters, as orders change the session. */
const GOOD: Readonly<Record<string, readonly object[]>> = {
  "/torrents": [{
    metainfo: torrentOf(60_000),
    paused: true,
    labels: ["a"],
    listed: true,
    files: { skip: ["x"] },
    peers: ["127.0.0.1:1"],
  }],
  "/shares": [{ path: OTHER_FILE, listed: false, pieceLength: 65_536 }],
  "/shares/look": [{}, { folder: OTHER_FOLDER }],
  "/shares/cancel": [{ id: 1 }],
  // The torrent under this code is here, so that nobody is waited for.
  "/lookups": [{ code: shareCode(sharedData(50_000).metainfo.infoHash), peers: ["127.0.0.1:1"] }],
  "/session/choose": [{}, { maxUpload: 1e6, uploadSlots: 3 }, { maxUpload: "none", uploadSlots: null }, {
    maxActive: 3,
    altIsOn: true,
    altSchedule: { fromMinute: 60, toMinute: 30, days: 127 },
    seedTimeMs: 1e9,
  }, { altSchedule: "none" }],
  "/session/ban": [{ address: "10.9.8.7" }],
  "/session/unban": [{ address: "10.9.8.7" }],
  "/session/doctor": [{}],
  "/torrents/{infoHash}/pause": [{}],
  "/torrents/{infoHash}/resume": [{}],
  "/torrents/{infoHash}/verify": [{}],
  "/torrents/{infoHash}/select": [{ only: ["*"] }, { files: { wanted: [0], notFirst: [0] } }, {
    skip: [],
    first: ["*.txt"],
    sequential: true,
  }],
  "/torrents/{infoHash}/choose": [
    { maxDownload: 50_000, superSeeds: true, peerExchange: false, rechokeMs: 10_000, downloadSources: 2 },
    { maxDownload: null, superSeeds: null },
  ],
  "/torrents/{infoHash}/reannounce": [{}],
  "/torrents/{infoHash}/labels": [{ labels: ["films", "old"] }, { labels: [] }],
  "/torrents/{infoHash}/trackers": [{ add: ["http://127.0.0.1:1/announce"] }, {
    drop: ["http://127.0.0.1:1/announce"],
  }],
  "/torrents/{infoHash}/web-seeds": [{ add: ["http://127.0.0.1:1/x"] }, { drop: ["http://127.0.0.1:1/x"] }],
  "/torrents/{infoHash}/queue": [{ to: "bottom" }, { to: "up" }],
  "/torrents/{infoHash}/peers": [{ add: ["127.0.0.1:1"] }],
  "/torrents/{infoHash}/relocate": [{ folder: OTHER_FOLDER }],
  "/fleet/key": [{}],
  "/fleet/join": [],
  "/fleet/decline": [{ infoHash: OFFERED.metainfo.infoHash }],
  "/fleet/accept": [{ infoHash: OFFERED.metainfo.infoHash }],
  "/fleet/choose": [{ accept: "ask", quota: 1e9 }, { quota: null }, {}],
  // Packets for hosts that are off go out to real networks: tests/lan has hosts of its own for them.
  "/fleet/wake": [{ hosts: [] }],
  "/fleet/forget": [],
  "/fleet/trust": [{ key: keyText(new Uint8Array(32)), accept: "lead" }],
  "/fleet/distrust": [{ key: keyText(new Uint8Array(32)) }],
  "/fleet/leave": [{}],
  "/fleet/create": [{ name: "room 7" }],
  "/fleet/invite": [{}, { count: 3 }],
  "/fleet/image-key": [{}],
  "/fleet/offer": [{ infoHash: sharedData(50_000).metainfo.infoHash }],
  "/fleet/cancel": [{ infoHash: sharedData(50_000).metainfo.infoHash }],
  "/session/stop": [{}],
  "/torrents/{infoHash}/remove": [{ deleteData: true }],
};

/** A `.torrent` file in base64. */
function torrentOf(length: number): string {
  return encodeMetainfo(sharedData(length).metainfo.rawInfo, { announceTiers: [] }).toBase64();
}

/** Bodies that are wrong for every operation. */
const BAD = ["", "x", "[]", "null", "1", '"text"', "{", '{"nonsense":1}', '{"__proto__":{}}', "\u0000"];

async function startedHome() {
  const home = await ApiHome.start();
  const shared = sharedData(50_000);
  await home.test.seed(shared);
  const document = await home.client.get("/openapi.json") as unknown as Document;
  return { home, infoHash: shared.metainfo.infoHash, document };
}

Deno.test("every operation of the document works, for one torrent and for all, and answers as described", async () => {
  const { home, infoHash, document } = await startedHome();
  await using _ = home;
  const done: string[] = [];
  const check = async (method: string, path: string, body?: object) => {
    const { answer } = OPERATIONS.find((each) => each.method === method && each.path === path)!;
    const url = PREFIX + path.replace("{infoHash}", infoHash);
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await home.client.request(url, init);
    const json = await response.json();
    // Members that the document does not know would be missing in what the schema lets through.
    assert.deepEqual(v.parse(answer, json), json, path);
  };
  for (const [url, methods] of Object.entries(document.paths)) {
    const path = url.slice(PREFIX.length);
    if (!("get" in methods) || path === "/events") continue;
    await check("get", path);
    done.push(`get ${url}`);
  }
  await using others = new AsyncDisposableStack();
  const lead = others.use(await TestSession.start());
  await lead.session.fleet.create("room 6");
  await lead.seed(OFFERED);
  await lead.session.fleet.offer(OFFERED.metainfo.infoHash);
  const { code } = await lead.session.fleet.invite();
  const joining = { code, peers: [`127.0.0.1:${lead.session.port}`], accept: "ask", quota: 5e9 };
  const forgetting = { host: (await lead.session.fleet.ownKey()).key };
  const isHere = () => home.test.session.fleet.view.fleet?.members[0].isHere;
  const isOffered = () => home.test.session.fleet.view.fleet?.offers.length === 1;
  for (
    const [path, bodies] of Object.entries({
      ...GOOD,
      "/fleet/join": [joining],
      "/fleet/forget": [forgetting],
    })
  ) {
    if (path === "/fleet/forget") await others.disposeAsync();
    while (path === "/fleet/forget" && isHere()) await delay(20);
    while (path === "/fleet/decline" && !isOffered()) await delay(20);
    for (const body of bodies) await check("post", path, body);
    done.push(`post ${PREFIX + path}`);
    if (!path.includes("{")) continue;
    await home.client.post(path.replace("{infoHash}", "all"), bodies[0]);
  }
  const described = Object.entries(document.paths).flatMap(([url, methods]) =>
    Object.keys(methods).map((method) => `${method} ${url}`)
  );
  assert.deepEqual(done.sort(), described.filter((each) => !each.endsWith("/events")).sort());
  assert.deepEqual((await home.client.get("/state")).torrents, {});
  assert.equal(home.stops, 1);
  await Deno.remove(OTHER_FOLDER, { recursive: true });
});

Deno.test("every operation refuses bad input in one line and changes nothing", async () => {
  const { home, infoHash, document } = await startedHome();
  await using _ = home;
  const refused = async (url: string, status: number, body?: string) => {
    const response = await fetch(home.url + url, {
      method: body === undefined ? "GET" : "POST",
      headers: { Authorization: `Bearer ${home.token}` },
      ...body === undefined ? {} : { body },
    });
    const text = await response.text();
    const where = `${url} ${body}: ${text}`;
    assert.equal(response.status, status, where);
    assert.equal(response.headers.get("content-type"), PROBLEM_TYPE, where);
    const problem = JSON.parse(text);
    assert.deepEqual(Object.keys(problem), ["type", "title", "status", "detail"]);
    assert.equal(problem.status, status);
    assert.match(problem.detail, /^[^\n]{5,200}$/);
  };
  const before = home.test.session.snapshot();
  for (const [url, methods] of Object.entries(document.paths)) {
    const isOfTorrent = url.includes("{infoHash}");
    for (const [method, { requestBody }] of Object.entries(methods)) {
      const good = JSON.stringify(GOOD[url.slice(PREFIX.length)]?.[0]);
      if (isOfTorrent) {
        for (const other of ["0".repeat(40), infoHash.slice(1), "x", "%00", "..%2f"]) {
          await refused(url.replace("{infoHash}", other), 404, method === "get" ? undefined : good);
        }
      }
      if (requestBody === undefined) continue;
      const { properties, required = [] } = requestBody.content["application/json"].schema;
      const names = Object.keys(properties).filter((name) => name !== "path");
      const ofTypes = names.flatMap((name) =>
        [{ nested: 1 }, [[]], Number.MIN_VALUE * -1, "\ud800"].map((value) =>
          JSON.stringify({ [name]: value })
        )
      );
      const empty = required.length > 0 ? ["{}"] : [];
      for (const body of [...BAD.filter((text) => text !== ""), ...ofTypes, ...empty]) {
        await refused(url.replace("{infoHash}", infoHash), 400, body);
      }
    }
  }
  await refused(`${PREFIX}/nothing`, 404);
  await refused("/api/v2/state", 404);
  assert.deepEqual(home.test.session.snapshot(), before);
  assert.equal(home.test.session.fleet.view.fleet, undefined);
  assert.equal(home.stops, 0);
  assert.deepEqual(home.log.filter((line) => line.includes(" error ")), []);
});

Deno.test("metrics have one line a torrent and number, whatever the torrent is called", async () => {
  const { home, infoHash } = await startedHome();
  await using _ = home;
  const text = await (await home.client.request("/metrics")).text();
  assert.match(text, new RegExp(`^peer_torrent_finished\\{info_hash="${infoHash}",name="[^"]+"\\} 1$`, "m"));
  assert.match(text, /^peer_torrents\{state="seeding"\} 1$/m);
  const line = /^(# (HELP|TYPE) peer_\w+ .+|peer_\w+\{(\w+="([^"\\\n]|\\["\\n])*",?)*\} -?\d+(\.\d+)?)$/;
  for (const each of text.trimEnd().split("\n")) assert.match(each, line);
});
