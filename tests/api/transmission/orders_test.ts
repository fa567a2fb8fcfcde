/** What the RPC makes of orders: calls of the session. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { MetainfoError, StorageError } from "../../../lib/errors.ts";
import { FakeSession, hashOf, RpcClient, torrentOf } from "./fake_session.ts";

function client(): RpcClient {
  const session = new FakeSession();
  session.torrents = [
    torrentOf("a", { number: 1 }),
    torrentOf("b", { number: 2, queuePosition: 1 }),
    torrentOf("c", { number: 3, queuePosition: 2 }),
  ];
  session.fileViews = [0, 1, 2, 3].map((position) => ({
    position,
    path: `t/${position}`,
    length: 1,
    have: 0,
    isWanted: position !== 3,
    isFirst: position === 0,
  }));
  return new RpcClient(session);
}

function clientIn(home: string): RpcClient {
  const { session } = client();
  session.home = home;
  return new RpcClient(session);
}

/** The orders that a request gives, as the fake session writes them. */
async function orders(method: string, params: object, rpc = client()): Promise<string[]> {
  await rpc.legacy(method, params);
  return rpc.session.orders;
}

Deno.test("RPC orders: start, stop, verify, reannounce, remove", async () => {
  assert.deepEqual(await orders("torrent-start", { ids: 1 }), [`resume("a")`]);
  assert.deepEqual(await orders("torrent-start-now", { ids: [2] }), [`queueMove("b", "top")`, `resume("b")`]);
  assert.deepEqual(await orders("torrent-stop", {}), [`pause("a")`, `pause("b")`, `pause("c")`]);
  assert.deepEqual(await orders("torrent-verify", { ids: hashOf("c") }), [`verify("c")`]);
  assert.deepEqual(await orders("torrent-reannounce", { ids: [1] }), [`reannounce("a")`]);
  assert.deepEqual(await orders("torrent-remove", { ids: [1] }), [`remove("a", false)`]);
  const withData = { ids: [1, 3], "delete-local-data": true };
  assert.deepEqual(await orders("torrent-remove", withData), [`remove("a", true)`, `remove("c", true)`]);
});

Deno.test("RPC orders: torrents that move together keep their order", async () => {
  const moves = (method: string) => orders(method, { ids: [1, 2] });
  assert.deepEqual(await moves("queue-move-top"), [`queueMove("b", "top")`, `queueMove("a", "top")`]);
  assert.deepEqual(await moves("queue-move-up"), [`queueMove("a", "up")`, `queueMove("b", "up")`]);
  assert.deepEqual(await moves("queue-move-down"), [`queueMove("b", "down")`, `queueMove("a", "down")`]);
  assert.deepEqual(await moves("queue-move-bottom"), [
    `queueMove("a", "bottom")`,
    `queueMove("b", "bottom")`,
  ]);
});

Deno.test("RPC orders: one torrent that fails does not keep the order from the others", async () => {
  const rpc = client();
  rpc.session.pause = (infoHash) => {
    rpc.session.orders.push(infoHash[0]);
    return infoHash === hashOf("a") ? Promise.reject(new StorageError("disk full")) : Promise.resolve();
  };
  assert.equal(await rpc.failure("torrent-stop"), "disk full");
  assert.deepEqual(rpc.session.orders, ["a", "b", "c"]);
});

Deno.test("RPC orders: a fault of ours is told as one, and its reason goes to the log only", async () => {
  const rpc = client();
  rpc.session.pause = () => Promise.reject(new TypeError("secret"));
  assert.match(await rpc.failure("torrent-stop"), /fault of peer/);
  assert.match(rpc.log.join(), /secret/);
});

Deno.test("RPC torrent-set: files by index, an empty list for all", async () => {
  const select = async (params: object) => (await orders("torrent-set", { ids: 1, ...params })).join();
  const range = (first: number, last = first) => ({ first, last });
  const wishes = (positions: object) => `select("a", ${JSON.stringify(positions)})`;
  assert.equal(await select({ "files-unwanted": [1] }), wishes({ positions: [range(0), range(2)] }));
  assert.equal(await select({ "files-wanted": [3] }), wishes({ positions: [range(0, 3)] }));
  assert.equal(await select({ "files-wanted": [] }), wishes({ positions: [range(0, 3)] }));
  assert.equal(
    await select({ "files-unwanted": [], "files-wanted": [2] }),
    wishes({ positions: [range(2)] }),
  );
  assert.equal(
    await select({ "priority-high": [2, 3] }),
    wishes({ firstPositions: [range(0), range(2, 3)] }),
  );
  assert.equal(await select({ "priority-normal": [0] }), wishes({ firstPositions: [] }));
  assert.equal(await select({ "priority-low": [] }), wishes({ firstPositions: [] }));
  assert.equal(await select({ sequential_download: true }), wishes({ isSequential: true }));
  const rpc = client();
  assert.match(
    await rpc.failure("torrent-set", { ids: 1, "files-wanted": [4] }),
    /file indices below 4, got 4/,
  );
  assert.deepEqual(rpc.session.orders, []);
});

Deno.test("RPC torrent-set: padding has a place among the files, as clients count it", async () => {
  const rpc = client();
  rpc.session.fileViews = rpc.session.fileViews.filter(({ position }) => position !== 1);
  const { torrents } = await rpc.legacy("torrent-get", { ids: 1, fields: ["files", "file-count"] });
  const [{ files, "file-count": count }] = torrents as [{ files: { name: string }[]; "file-count": number }];
  assert.deepEqual([count, files.map(({ name }) => name)], [4, ["t/0", ".pad/1", "t/2", "t/3"]]);
  await rpc.legacy("torrent-set", { ids: 1, "files-unwanted": [2] });
  assert.deepEqual(rpc.session.orders, [`select("a", {"positions":[{"first":0,"last":1}]})`]);
});

Deno.test("RPC torrent-set: limits count in kB/s, and a number that does not count is remembered", async () => {
  const rpc = client();
  const limits = async () => {
    const fields = ["downloadLimit", "downloadLimited", "uploadLimit", "uploadLimited"];
    const { torrents } = await rpc.legacy("torrent-get", { ids: 1, fields, format: "table" });
    return (torrents as unknown[][])[1];
  };
  assert.deepEqual(await limits(), [100, false, 100, false]);
  await rpc.legacy("torrent-set", { ids: 1, downloadLimit: 250 });
  assert.deepEqual(rpc.session.choices(hashOf("a")), { maxDownload: Infinity });
  assert.deepEqual(await limits(), [250, false, 100, false]);
  await rpc.legacy("torrent-set", { ids: 1, downloadLimited: true, uploadLimit: 7.6, uploadLimited: true });
  assert.deepEqual(rpc.session.choices(hashOf("a")), { maxDownload: 250_000, maxUpload: 7_600 });
  // Clients in Go expect integers.
  assert.deepEqual(await limits(), [250, true, 8, true]);
  await rpc.legacy("torrent-set", { ids: 1, downloadLimited: false, uploadLimit: 0 });
  assert.deepEqual(rpc.session.choices(hashOf("a")), { maxDownload: Infinity, maxUpload: 1 });
  assert.deepEqual(await limits(), [250, false, 0, true]);
});

Deno.test("RPC torrent-set: the ratio is that of all torrents, the torrent's own, or none", async () => {
  const rpc = client();
  const ratio = async (params: object) => {
    await rpc.legacy("torrent-set", { ids: 1, ...params });
    return rpc.session.choices(hashOf("a")).seedRatio;
  };
  assert.equal(await ratio({ seedRatioMode: 1, seedRatioLimit: 1.5 }), 1.5);
  assert.equal(await ratio({ seedRatioLimit: 3 }), 3);
  assert.equal(await ratio({ seedRatioMode: 2 }), Infinity);
  assert.equal(await ratio({ seedRatioMode: 0 }), undefined);
  assert.equal(await ratio({ seedRatioMode: 1 }), 3);
  assert.match(
    await rpc.failure("torrent-set", { ids: 1, seedRatioMode: 7 }),
    /0, 1 or 2 as seed_ratio_mode, got 7/,
  );
});

Deno.test("RPC torrent-set: labels, the place in the queue, and what we take and forget", async () => {
  assert.deepEqual(await orders("torrent-set", { ids: 1, labels: [" linux ", "iso"] }), [
    `label("a", ["linux","iso"])`,
  ]);
  const rpc = client();
  assert.equal(await rpc.failure("torrent-set", { ids: 1, labels: [" "] }), "labels cannot be empty");
  assert.match(await rpc.failure("torrent-set", { ids: 1, labels: ["a,b"] }), /cannot contain comma/);
  assert.deepEqual(await orders("torrent-set", { ids: 3, queuePosition: 0 }), [`queueMove("c", "top")`]);
  assert.deepEqual(await orders("torrent-set", { ids: 3, queuePosition: 1 }), [`queueMove("c", "up")`]);
  assert.deepEqual(await orders("torrent-set", { ids: 1, queuePosition: 99 }), [`queueMove("a", "bottom")`]);
  const forgotten = {
    bandwidthPriority: 1,
    honorsSessionLimits: false,
    "peer-limit": 5,
    group: "",
    seedIdleMode: 1,
  };
  assert.deepEqual(await orders("torrent-set", { ids: 1, ...forgotten, nonsense: {} }), []);
});

Deno.test("RPC torrent-set: trackers as a list, and one by one", async () => {
  const rpc = client();
  const tracker = (url: string, tier: number) => ({
    url,
    tier,
    isOwn: false,
    state: "ok" as const,
    peersHeard: 0,
  });
  rpc.session.trackerViews = [tracker("http://a/announce", 0), tracker("http://b/announce", 1)];
  const [torrent] = (await rpc.legacy("torrent-get", { ids: 1, fields: ["trackerList"] })).torrents as [
    object,
  ];
  assert.deepEqual(torrent, { trackerList: "http://a/announce\n\nhttp://b/announce\n" });
  await rpc.legacy("torrent-set", {
    ids: 1,
    trackerList: "http://b/announce\n\nhttp://c/announce\nhttp://d/announce",
  });
  assert.deepEqual(rpc.session.orders.splice(0), [
    `dropTracker("a", "http://b/announce")`,
    `addTracker("a", "http://b/announce", 0)`,
    `addTracker("a", "http://c/announce", 1)`,
    `addTracker("a", "http://d/announce", 1)`,
    `dropTracker("a", "http://a/announce")`,
  ]);
  await rpc.legacy("torrent-get", { ids: 1, fields: ["trackers"] });
  await rpc.legacy("torrent-set", { ids: 1, trackerAdd: ["http://e/announce"], trackerRemove: [1] });
  await rpc.legacy("torrent-set", { ids: 1, trackerReplace: [0, "http://f/announce"] });
  assert.deepEqual(rpc.session.orders.splice(0), [
    `addTracker("a", "http://e/announce", "end")`,
    `dropTracker("a", "http://b/announce")`,
    `addTracker("a", "http://f/announce", 0)`,
    `dropTracker("a", "http://a/announce")`,
  ]);
  assert.match(
    await rpc.failure("torrent-set", { ids: 1, trackerRemove: [9] }),
    /Expected the id of a tracker, got 9/,
  );
  assert.match(await rpc.failure("torrent-set", { ids: 1, trackerAdd: ["nonsense"] }), /announce address/);
});

Deno.test("RPC session-set: limits, turtle, goal, queue; the rest is taken and forgotten", async () => {
  const rpc = client();
  const shown = (...fields: string[]) => rpc.legacy("session-get", { fields });
  await rpc.legacy("session-set", {
    "speed-limit-down": 100.0,
    "speed-limit-down-enabled": true,
    "speed-limit-up": 50,
  });
  assert.deepEqual(rpc.session.chosen, { maxDownload: 100_000, maxUpload: Infinity });
  assert.deepEqual(await shown("speed-limit-down", "speed-limit-up", "speed-limit-up-enabled"), {
    "speed-limit-down": 100,
    "speed-limit-up": 50,
    "speed-limit-up-enabled": false,
  });
  rpc.session.chosen = {};
  await rpc.legacy("session-set", { "alt-speed-enabled": true, "alt-speed-down": 20 });
  assert.deepEqual(rpc.session.chosen, { altIsOn: true, altMaxDownload: 20_000 });
  assert.deepEqual(await shown("alt-speed-down", "alt-speed-up"), {
    "alt-speed-down": 20,
    "alt-speed-up": 50,
  });
  rpc.session.chosen = {};
  await rpc.legacy("session-set", { "alt-speed-time-enabled": true, "alt-speed-time-begin": 60 });
  await rpc.legacy("session-set", { "alt-speed-time-day": 65 });
  assert.deepEqual(rpc.session.chosen.altSchedule, { fromMinute: 60, toMinute: 1020, days: 65 });
  await rpc.legacy("session-set", { "alt-speed-time-enabled": false });
  assert.equal(rpc.session.chosen.altSchedule, "none");
  rpc.session.chosen = {};
  await rpc.legacy("session-set", { seedRatioLimit: 1.5, seedRatioLimited: true, "download-queue-size": 3 });
  assert.deepEqual(rpc.session.chosen, { seedRatio: 1.5, maxActive: Infinity });
  await rpc.legacy("session-set", { "download-queue-enabled": true, "pex-enabled": false });
  assert.deepEqual(rpc.session.chosen, { seedRatio: 1.5, maxActive: 3, peerExchange: false });
  rpc.session.chosen = {};
  await rpc.legacy("session-set", {
    "download-dir": "/etc",
    "dht-enabled": true,
    encryption: "required",
    "idle-seeding-limit": 5,
  });
  assert.deepEqual(rpc.session.chosen, {});
  assert.match(
    await rpc.failure("session-set", { "speed-limit-down": -1 }),
    /0 or more as speed_limit_down, got -1/,
  );
  assert.match(await rpc.failure("session-set", { "alt-speed-time-begin": 1440 }), /below 1440/);
});

Deno.test("RPC torrent-add: contents with line breaks, magnet, address, info-hash", async () => {
  const add = async (params: object) => (await orders("torrent-add", params)).join();
  assert.equal(await add({ metainfo: "aGVs\r\nbG8=\n" }), `open({"bytes":"hello"}, {})`);
  assert.equal(
    await add({ filename: "magnet:?xt=urn:btih:x" }),
    `open({"magnet":"magnet:?xt=urn:btih:x"}, {})`,
  );
  assert.equal(await add({ filename: "https://x/y" }), `open({"url":"https://x/y"}, {})`);
  assert.equal(
    await add({ filename: hashOf("a") }),
    `open({"magnet":"magnet:?xt=urn:btih:${hashOf("a")}"}, {})`,
  );
  const url = "http://x/y";
  const wishes = {
    paused: true,
    labels: ["a"],
    "download-dir": "/allowed/here",
    "peer-limit": 3,
    cookies: "a=b",
  };
  const options = { labels: ["a"], isPaused: true };
  assert.equal(await add({ filename: url, ...wishes }), `open({"url":"${url}"}, ${JSON.stringify(options)})`);
  assert.equal(
    await add({ filename: url, "download-dir": "/home/me/peer/shareable/" }),
    `open({"url":"${url}"}, {})`,
  );
  // Some programs name this folder where nobody chose any.
  assert.equal(await add({ filename: url, "download-dir": "/downloads" }), `open({"url":"${url}"}, {})`);
  const files = {
    positions: [{ first: 0, last: 0 }, { first: 3, last: 200_000 }],
    firstPositions: [{ first: 5, last: 5 }],
  };
  assert.equal(
    await add({ filename: url, "files-unwanted": [1, 2], "priority-high": [5] }),
    `open({"url":"${url}"}, ${JSON.stringify({ files })})`,
  );
});

Deno.test("RPC folders: those that the user allows, for new torrents and for others", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const { session } = client();
    session.home = join(folder, "home");
    const [a, b, shareable] = ["a", "b", "home/shareable"].map((name) => join(folder, name));
    const rpc = new RpcClient(session, [a, b]);
    const filename = "http://x/y";
    await rpc.legacy("torrent-add", { filename, "download-dir": a });
    await rpc.legacy("torrent-add", { filename, "download-dir": `${shareable}/` });
    await rpc.legacy("torrent-set-location", { ids: [1, 3], location: b, move: true });
    await rpc.legacy("torrent-set", { ids: 2, location: shareable });
    assert.deepEqual(rpc.session.orders, [
      `open({"url":"${filename}"}, ${JSON.stringify({ folder: a })})`,
      `open({"url":"${filename}"}, {})`,
      `relocate("a", ${JSON.stringify(b)}, true)`,
      `relocate("c", ${JSON.stringify(b)}, true)`,
      `relocate("b", ${JSON.stringify(shareable)}, false)`,
    ]);
    const refused = /Expected .+shareable or a folder that --output-folders allows, got/;
    assert.match(await rpc.failure("torrent-add", { filename, "download-dir": "/etc" }), refused);
    assert.match(await rpc.failure("torrent-set-location", { ids: 1, location: `${a}/../x` }), refused);
    assert.match(await rpc.failure("torrent-set-location", { ids: 1, location: "x" }), /absolute path/);
    assert.match(await rpc.failure("torrent-set-location", { ids: 1 }), /a folder as location/);
    assert.match(await client().failure("torrent-set-location", { ids: 1, location: folder }), refused);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("RPC sequential download is chosen and shown in both dialects", async () => {
  const rpc = client();
  await rpc.legacy("torrent-add", { filename: "http://x/y", sequential_download: true });
  await rpc.legacy("torrent-set", { ids: 1, sequential_download: true });
  assert.deepEqual(rpc.session.orders, [
    `open({"url":"http://x/y"}, {"files":{"isSequential":true}})`,
    `select("a", {"isSequential":true})`,
  ]);
  rpc.session.isSequential = true;
  const fields = ["sequential_download"];
  const legacy = await rpc.legacy("torrent-get", { ids: 1, fields });
  assert.deepEqual(legacy.torrents, [{ sequential_download: true }]);
  const request = { jsonrpc: "2.0", id: 1, method: "torrent_get", params: { ids: 1, fields } };
  const { result } = await rpc.ask(request) as { result: { torrents: unknown } };
  assert.deepEqual(result.torrents, [{ sequential_download: true }]);
});

Deno.test("RPC torrent-add: what is new, what is there already, what is corrupt", async () => {
  const rpc = client();
  const torrent = { id: 1, name: "torrent a", hashString: hashOf("a") };
  assert.deepEqual(await rpc.legacy("torrent-add", { metainfo: "aGVsbG8=" }), { "torrent-added": torrent });
  rpc.session.opens = () => ({ infoHash: hashOf("a"), isNew: false });
  assert.deepEqual(await rpc.legacy("torrent-add", { metainfo: "aGVsbG8=" }), {
    "torrent-duplicate": torrent,
  });
  rpc.session.opens = () => {
    throw new MetainfoError("Expected a torrent, got something else");
  };
  const corrupt = "invalid or corrupt torrent file: Expected a torrent, got something else";
  assert.equal(await rpc.failure("torrent-add", { metainfo: "aGVsbG8=" }), corrupt);
  assert.match(
    await rpc.failure("torrent-add", { metainfo: "%%%" }),
    /invalid or corrupt torrent file: .*base 64/,
  );
  assert.match(
    await rpc.failure("torrent-add", { filename: "http://x/", "download-dir": "etc" }),
    /absolute path/,
  );
});

Deno.test("RPC torrent-add: a path is taken inside torrents/ only", async () => {
  const home = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${home}/torrents`);
    await Deno.mkdir(`${home}/torrents-else`);
    for (const path of ["torrents/a.torrent", "b.torrent", "torrents-else/c.torrent"]) {
      await Deno.writeTextFile(`${home}/${path}`, "");
    }
    const rpc = clientIn(home);
    await rpc.legacy("torrent-add", { filename: `${home}/torrents/a.torrent` });
    await rpc.legacy("torrent-add", { filename: "a.torrent" });
    const path = JSON.stringify(await Deno.realPath(`${home}/torrents/a.torrent`));
    assert.deepEqual(rpc.session.orders, [`open({"path":${path}}, {})`, `open({"path":${path}}, {})`]);
    const others = [
      "b.torrent",
      "torrents/../b.torrent",
      "torrents-else/c.torrent",
      "torrents",
      "torrents/missing",
    ];
    for (const other of others) {
      assert.match(
        await rpc.failure("torrent-add", { filename: `${home}/${other}` }),
        /send the file itself as metainfo/,
      );
    }
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("RPC session-close stops, free-space tells the disk of the home", async () => {
  const home = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${home}/shareable`);
    const rpc = clientIn(home);
    const space = await rpc.legacy("free-space", { path: `${home}/shareable` });
    assert.deepEqual(Object.keys(space).sort(), ["path", "size-bytes", "total_size"]);
    assert.ok(Number(space["size-bytes"]) > 0 && Number(space.total_size) > Number(space["size-bytes"]));
    assert.equal(rpc.isStopped, false);
    assert.deepEqual(await rpc.legacy("session-close"), {});
    assert.equal(rpc.isStopped, true);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
