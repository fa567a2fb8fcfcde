/** Requests and answers of the legacy dialect (rpc-version 17), and what single clients insist on. */
import assert from "node:assert/strict";
import { FakeSession, hashOf, peerOf, RpcClient, STARTED_AT, torrentOf } from "./fake_session.ts";

function client(): RpcClient {
  const session = new FakeSession();
  session.torrents = [
    torrentOf("a", { number: 3, name: "first" }),
    torrentOf("b", { number: 5, name: "second", queuePosition: 1 }),
  ];
  return new RpcClient(session);
}

const ids = (values: Record<string, unknown>) => (values.torrents as { id: number }[]).map(({ id }) => id);

Deno.test("legacy RPC: the tag comes back as it was given, and only then", async () => {
  const rpc = client();
  const ask = (tag: object) => rpc.ask({ method: "port-test", ...tag }) as Promise<object>;
  assert.deepEqual(await ask({ tag: 4 }), { result: "success", arguments: { "port-is-open": true }, tag: 4 });
  assert.deepEqual(await ask({}), { result: "success", arguments: { "port-is-open": true } });
  assert.equal(Object.hasOwn(await ask({ tag: null }), "tag"), false);
});

Deno.test("legacy RPC: errors are texts, with status 200", async () => {
  const rpc = client();
  assert.equal(await rpc.failure("torrent-frobnicate"), "method name not recognized");
  assert.equal(await rpc.failure("__proto__"), "method name not recognized");
  assert.equal((await rpc.ask({}) as { result: string }).result, "no method name");
  assert.equal(await rpc.failure("torrent-get"), "no fields specified");
  assert.equal(await rpc.failure("torrent-add"), "no filename or metainfo specified");
  assert.match(
    await rpc.failure("torrent-rename-path", { ids: 3, path: "a", name: "b" }),
    /keep their names/,
  );
  const response = await rpc.post(`{"method":"nonsense","tag":1}`);
  assert.equal(response.status, 200);
});

Deno.test("legacy RPC: ids is a number, a hash, a list of both, or absent for all", async () => {
  const rpc = client();
  const named = async (params: object) => ids(await rpc.legacy("torrent-get", { fields: ["id"], ...params }));
  assert.deepEqual(await named({}), [3, 5]);
  assert.deepEqual(await named({ ids: 3 }), [3]);
  assert.deepEqual(await named({ ids: [5, 3] }), [3, 5]);
  assert.deepEqual(await named({ ids: hashOf("b") }), [5]);
  assert.deepEqual(await named({ ids: [hashOf("B"), 3, 999, "unknown", 1.5] }), [3, 5]);
  assert.deepEqual(await named({ ids: [] }), []);
  assert.deepEqual(await named({ ids: -1 }), []);
  // A mistake of a client must not mean all torrents.
  for (const mistake of [null, true, {}, [null]]) {
    assert.match(await rpc.failure("torrent-remove", { ids: mistake }), /numbers or info-hashes as ids/);
  }
});

Deno.test("legacy RPC: recently-active tells the torrents that changed, and those that went", async () => {
  const rpc = client();
  const recent = () => rpc.legacy("torrent-get", { ids: "recently-active", fields: ["id"] });
  assert.deepEqual(await recent(), { torrents: [{ id: 3 }, { id: 5 }], removed: [] });
  rpc.session.remove(hashOf("a"), false);
  assert.deepEqual(await recent(), { torrents: [{ id: 5 }], removed: [3] });
});

Deno.test("legacy RPC: unknown fields are left out, and both spellings of a name are known", async () => {
  const rpc = client();
  const fields = ["id", "fileCount", "file-count", "downloadDir", "download_dir", "nonsense", 1, "__proto__"];
  assert.deepEqual((await rpc.legacy("torrent-get", { ids: 3, fields })).torrents, [
    { id: 3, "file-count": 0, downloadDir: "/home/me/peer/shareable" },
  ]);
  const table = await rpc.legacy("torrent-get", {
    ids: 3,
    fields: ["id", "isUTP", "hashString"],
    format: "table",
  });
  assert.deepEqual(table.torrents, [["id", "hashString"], [3, hashOf("a")]]);
});

/** All fields of rpc-version 17, as the specification of Transmission 4.0.6 lists them. */
const FIELDS = `activityDate addedDate availability bandwidthPriority comment corruptEver creator dateCreated
  desiredAvailable doneDate downloadDir downloadedEver downloadLimit downloadLimited editDate error errorString eta
  etaIdle file-count files fileStats group hashString haveUnchecked haveValid honorsSessionLimits id isFinished
  isPrivate isStalled labels leftUntilDone magnetLink manualAnnounceTime maxConnectedPeers metadataPercentComplete name
  peer-limit peers peersConnected peersFrom peersGettingFromUs peersSendingToUs percentComplete percentDone pieces
  pieceCount pieceSize priorities primary-mime-type queuePosition rateDownload rateUpload recheckProgress
  secondsDownloading secondsSeeding seedIdleLimit seedIdleMode seedRatioLimit seedRatioMode sizeWhenDone startDate
  status trackers trackerList trackerStats totalSize torrentFile uploadedEver uploadLimit uploadLimited uploadRatio
  wanted webseeds webseedsSendingToUs`.trim().split(/\s+/);

Deno.test("legacy RPC: every field of rpc-version 17 is answered, with a value of its type", async () => {
  const rpc = client();
  rpc.session.torrents[0] = torrentOf("a", {
    number: 3,
    state: "downloading",
    downloaded: 32_768,
    uploaded: 16_384,
    downloadRate: 1_234.5,
    etaS: 27,
    labels: ["linux"],
    peers: [
      peerOf({ downloadRate: 1_234.5, weWant: true, peerChokes: false, isEncrypted: true }),
      peerOf({ source: "web seed", downloadRate: 10, address: "0.0.0.0", port: 0 }),
      peerOf({ have: 1, uploadRate: 5.5, isIncoming: true, weChoke: false, peerWants: true, source: "pex" }),
    ],
  });
  rpc.session.fileViews = [
    { position: 0, path: "t/a.mkv", length: 60_000, have: 30_000, isWanted: true, isFirst: true },
    { position: 1, path: "t/b", length: 5_536, have: 0, isWanted: false, isFirst: false },
  ];
  rpc.session.trackerViews = [{
    url: "http://tracker.example.org:6969/announce?key=1",
    tier: 0,
    isOwn: false,
    state: "ok",
    seeders: 3,
    leechers: 4,
    peersHeard: 5,
    lastAnnounceAt: STARTED_AT + 2_000,
    nextAnnounceAt: STARTED_AT + 60_000,
  }];
  const [torrent] = (await rpc.legacy("torrent-get", { ids: 3, fields: FIELDS })).torrents as [
    Record<string, unknown>,
  ];
  assert.deepEqual(Object.keys(torrent).sort(), FIELDS.toSorted());
  const tracker = {
    id: 0,
    announce: "http://tracker.example.org:6969/announce?key=1",
    scrape: "http://tracker.example.org:6969/scrape?key=1",
    sitename: "example",
    tier: 0,
  };
  const at = STARTED_AT / 1_000;
  assert.deepEqual(torrent, {
    activityDate: at + 1,
    addedDate: at + 1,
    availability: [-1, 2, -1, 4],
    bandwidthPriority: 0,
    comment: "a comment",
    corruptEver: 16_384,
    creator: "a program",
    dateCreated: at,
    desiredAvailable: 0,
    doneDate: 0,
    downloadDir: "/home/me/peer/shareable",
    downloadedEver: 32_768,
    downloadLimit: 100,
    downloadLimited: false,
    editDate: 0,
    error: 0,
    errorString: "",
    eta: 27,
    etaIdle: -1,
    "file-count": 2,
    files: [
      { name: "t/a.mkv", length: 60_000, bytesCompleted: 30_000 },
      { name: "t/b", length: 5_536, bytesCompleted: 0 },
    ],
    fileStats: [
      { bytesCompleted: 30_000, wanted: true, priority: 1 },
      { bytesCompleted: 0, wanted: false, priority: 0 },
    ],
    group: "",
    hashString: hashOf("a"),
    haveUnchecked: 0,
    haveValid: 32_768,
    honorsSessionLimits: true,
    id: 3,
    isFinished: false,
    isPrivate: true,
    isStalled: false,
    labels: ["linux"],
    leftUntilDone: 32_768,
    magnetLink: "magnet:?xt=urn:btih:0",
    manualAnnounceTime: 0,
    maxConnectedPeers: 120,
    metadataPercentComplete: 1,
    name: "torrent a",
    "peer-limit": 120,
    peers: [
      {
        address: "127.0.0.2",
        port: 6881,
        clientName: "peer 0.1.0",
        progress: 1,
        rateToClient: 1_235,
        rateToPeer: 0,
        bytes_to_client: 0,
        bytes_to_peer: 0,
        flagStr: "DE",
        isEncrypted: true,
        isIncoming: false,
        isUTP: false,
        isDownloadingFrom: true,
        isUploadingTo: false,
        clientIsChoked: false,
        clientIsInterested: true,
        peerIsChoked: true,
        peerIsInterested: false,
      },
      {
        address: "127.0.0.2",
        port: 6881,
        clientName: "peer 0.1.0",
        progress: 0.25,
        rateToClient: 0,
        rateToPeer: 6,
        bytes_to_client: 0,
        bytes_to_peer: 0,
        flagStr: "UXI",
        isEncrypted: false,
        isIncoming: true,
        isUTP: false,
        isDownloadingFrom: false,
        isUploadingTo: true,
        clientIsChoked: true,
        clientIsInterested: false,
        peerIsChoked: false,
        peerIsInterested: true,
      },
    ],
    peersConnected: 2,
    peersFrom: {
      fromCache: 0,
      fromDht: 0,
      fromIncoming: 1,
      fromLpd: 0,
      fromLtep: 0,
      fromPex: 0,
      fromTracker: 1,
    },
    peersGettingFromUs: 1,
    peersSendingToUs: 1,
    percentComplete: 0.5,
    percentDone: 0.5,
    pieces: "oA==",
    pieceCount: 4,
    pieceSize: 16_384,
    priorities: [1, 0],
    "primary-mime-type": "video/x-matroska",
    queuePosition: 0,
    rateDownload: 1_235,
    rateUpload: 0,
    recheckProgress: 0,
    secondsDownloading: 12,
    secondsSeeding: 34,
    seedIdleLimit: 30,
    seedIdleMode: 2,
    seedRatioLimit: 2,
    seedRatioMode: 0,
    sizeWhenDone: 65_536,
    startDate: at + 1,
    status: 4,
    torrentFile: "",
    totalSize: 65_536,
    trackerList: "http://tracker.example.org:6969/announce?key=1\n",
    trackers: [tracker],
    // All 26 members: tremc and transmission-remote read them without a look whether they are there.
    trackerStats: [{
      ...tracker,
      host: "http://tracker.example.org:6969",
      isBackup: false,
      announceState: 1,
      hasAnnounced: true,
      lastAnnouncePeerCount: 5,
      lastAnnounceResult: "Success",
      lastAnnounceStartTime: at + 2,
      lastAnnounceSucceeded: true,
      lastAnnounceTime: at + 2,
      lastAnnounceTimedOut: false,
      nextAnnounceTime: at + 60,
      scrapeState: 1,
      hasScraped: true,
      lastScrapeResult: "Success",
      lastScrapeStartTime: at + 2,
      lastScrapeSucceeded: true,
      lastScrapeTime: at + 2,
      lastScrapeTimedOut: false,
      nextScrapeTime: at + 60,
      seederCount: 3,
      leecherCount: 4,
      downloadCount: -1,
      downloader_count: -1,
    }],
    uploadedEver: 16_384,
    uploadLimit: 100,
    uploadLimited: false,
    uploadRatio: 0.5,
    wanted: [1, 0],
    webseeds: ["http://127.0.0.3/data"],
    webseedsSendingToUs: 1,
  });
});

Deno.test("legacy RPC: the state of a torrent as status, error and progress", async () => {
  const rpc = client();
  const shown = async (changes: object) => {
    rpc.session.torrents = [torrentOf("a", changes)];
    const fields = [
      "status",
      "error",
      "errorString",
      "isFinished",
      "metadataPercentComplete",
      "percentDone",
      "eta",
    ];
    const { torrents } = await rpc.legacy("torrent-get", { fields, format: "table" });
    return (torrents as unknown[][])[1];
  };
  const done = { have: 4, missing: 0, left: 0, seeding: true, finished: true };
  assert.deepEqual(await shown({ state: "downloading" }), [4, 0, "", false, 1, 0.5, -2]);
  assert.deepEqual(await shown({ state: "seeding", ...done }), [6, 0, "", false, 1, 1, -1]);
  assert.deepEqual(await shown({ state: "paused" }), [0, 0, "", false, 1, 0.5, -1]);
  assert.deepEqual(await shown({ state: "queued" }), [3, 0, "", false, 1, 0.5, -1]);
  assert.deepEqual(await shown({ state: "queued", ...done }), [5, 0, "", false, 1, 1, -1]);
  assert.deepEqual(await shown({ state: "checking", checked: 1 }), [2, 0, "", false, 1, 0.5, -1]);
  assert.deepEqual(await shown({ state: "failed", failure: "disk full" }), [
    0,
    3,
    "disk full",
    false,
    1,
    0.5,
    -1,
  ]);
  const reached = { state: "paused", pauseReason: "ratio 2 reached", ...done };
  assert.deepEqual(await shown(reached), [0, 0, "", true, 1, 1, -1]);
  const magnet = {
    state: "fetching metadata",
    lacksMetadata: true,
    length: 0,
    pieces: 0,
    have: 0,
    missing: 0,
    left: 0,
  };
  assert.deepEqual(await shown(magnet), [4, 0, "", false, 0, 0, -1]);
});

Deno.test("legacy RPC: session-get has every field that remote-gtk and Home Assistant read", async () => {
  const names =
    `alt-speed-down alt-speed-enabled alt-speed-time-begin alt-speed-time-day alt-speed-time-enabled
    alt-speed-time-end alt-speed-up anti-brute-force-enabled anti-brute-force-threshold blocklist-enabled blocklist-size
    blocklist-url cache-size-mb config-dir default-trackers dht-enabled download-dir download-dir-free-space
    download-queue-enabled download-queue-size encryption idle-seeding-limit idle-seeding-limit-enabled incomplete-dir
    incomplete-dir-enabled lpd-enabled peer-limit-global peer-limit-per-torrent peer-port peer-port-random-on-start
    pex-enabled port-forwarding-enabled queue-stalled-enabled queue-stalled-minutes rename-partial-files rpc-version
    rpc-version-minimum rpc-version-semver script-torrent-added-enabled script-torrent-added-filename
    script-torrent-done-enabled script-torrent-done-filename script-torrent-done-seeding-enabled
    script-torrent-done-seeding-filename seed-queue-enabled seed-queue-size seedRatioLimit seedRatioLimited session-id
    speed-limit-down speed-limit-down-enabled speed-limit-up speed-limit-up-enabled start-added-torrents tcp-enabled
    trash-original-torrent-files units utp-enabled version`.trim().split(/\s+/);
  const rpc = client();
  const values = await rpc.legacy("session-get");
  assert.deepEqual(names.filter((name) => !(name in values)), []);
  assert.deepEqual(Object.values(values).filter((value) => value === null || value === undefined), []);
  // Sonarr reads the version outside of the brackets and wants 2.40 or more.
  assert.equal(values.version, "4.0.6 (peer 0.1.0)");
  assert.deepEqual([values["rpc-version"], values["rpc-version-semver"]], [17, "5.3.0"]);
  assert.equal((values.units as Record<string, unknown>)["speed-bytes"], 1_000);
  const some = await rpc.legacy("session-get", { fields: ["version", "rpc-version", "nonsense"] });
  assert.deepEqual(Object.keys(some).sort(), ["rpc-version", "version"]);
});

Deno.test("legacy RPC: session-stats", async () => {
  const rpc = client();
  rpc.session.torrents[0] = torrentOf("a", { number: 3, state: "paused", addedAt: STARTED_AT - 1 });
  const { "current-stats": current, "cumulative-stats": ever, ...counts } = await rpc.legacy("session-stats");
  assert.deepEqual(counts, {
    activeTorrentCount: 1,
    pausedTorrentCount: 1,
    torrentCount: 2,
    downloadSpeed: 1_000,
    uploadSpeed: 2_001,
  });
  const { secondsActive, ...rest } = current as Record<string, number>;
  assert.ok(Number.isInteger(secondsActive) && secondsActive > 0);
  assert.deepEqual(rest, { downloadedBytes: 1, uploadedBytes: 2, filesAdded: 1, sessionCount: 1 });
  assert.deepEqual(ever, {
    downloadedBytes: 3,
    uploadedBytes: 4,
    filesAdded: 5,
    sessionCount: 1,
    secondsActive,
  });
});
