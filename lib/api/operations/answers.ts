/** The shapes of answers: the OpenAPI document comes from here, and tests hold the answers to it. */
import * as v from "valibot";

export const Bytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.description("Bytes"));
const Rate = v.pipe(v.number(), v.integer(), v.minValue(0), v.description("Bytes per second"));
export const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Moment = v.pipe(v.number(), v.description("Milliseconds since 1970"));

/** The identity of a torrent. */
export const InfoHashText = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{40}$/, "Expected 40 hex digits"),
  v.description("Info-hash: 40 lower-case hex digits"),
);

/** The torrents that an order was given to. */
export const Ordered = v.object({ torrents: v.array(InfoHashText) });

export const Nothing = v.object({});

/** A torrent that was taken in, or that was there before. */
export const Added = v.object({
  infoHash: InfoHashText,
  number: Count,
  name: v.string(),
  isNew: v.boolean(),
});

/** A number without bound: "none" stands for no limit. */
const Limit = v.union([v.number(), v.literal("none")]);

const choices = {
  uploadSlots: Count,
  downloadSources: Count,
  rechokeMs: Limit,
  superSeeds: v.boolean(),
  peerExchange: v.boolean(),
  maxUpload: Limit,
  maxDownload: Limit,
  seedRatio: Limit,
  seedTimeMs: Limit,
  maxActive: Limit,
  altMaxUpload: Limit,
  altMaxDownload: Limit,
  altIsOn: v.boolean(),
  altSchedule: v.union([
    v.object({ fromMinute: Count, toMinute: Count, days: Count }),
    v.literal("none"),
  ]),
};

/** The choices that were made in one place. */
const OwnChoices = v.partial(v.object(choices));

/** The machines of a torrent in numbers. */
export const Room = v.object({
  hosts: Count,
  done: v.pipe(Count, v.description("Those that have it; also one that has left since")),
  gone: v.pipe(Count, v.description("Those that have left before they had it")),
  slow: Count,
  together: v.pipe(v.number(), v.description("Part of the data of all hosts that is there, 0 to 1")),
  lastInS: v.optional(v.pipe(v.number(), v.description("Seconds until the last one is done"))),
  sentCopies: v.optional(v.number()),
  othersCopies: v.optional(v.number()),
});

const torrentSummary = {
  infoHash: InfoHashText,
  number: v.pipe(Count, v.description("For people; from 1, and never given to another torrent")),
  name: v.string(),
  role: v.picklist(["announcer", "seeder", "peer"]),
  state: v.picklist([
    "fetching metadata",
    "checking",
    "downloading",
    "seeding",
    "paused",
    "queued",
    "failed",
    "leaving",
  ]),
  seeding: v.boolean(),
  finished: v.boolean(),
  isPaused: v.boolean(),
  pauseReason: v.optional(v.string()),
  labels: v.array(v.string()),
  addedAt: Moment,
  completedAt: v.optional(Moment),
  queuePosition: Count,
  length: Bytes,
  pieceLength: Bytes,
  pieces: Count,
  have: v.pipe(Count, v.description("Pieces stored")),
  missing: v.pipe(Count, v.description("Pieces wanted and lacking")),
  left: v.pipe(Bytes, v.description("Bytes wanted and lacking")),
  held: v.pipe(Count, v.description("Pieces that are looked for in older data, and not fetched meanwhile")),
  etaS: v.optional(v.pipe(Count, v.description("Seconds until all wanted data is there"))),
  checked: v.optional(Count),
  reused: v.pipe(Bytes, v.description("Bytes that were in old data here already")),
  downloaded: Bytes,
  uploaded: Bytes,
  downloadRate: Rate,
  uploadRate: Rate,
  connections: Count,
  offering: Count,
  known: Count,
  uploadSlotsUsed: Count,
  downloadSourcesUsed: Count,
  lacksMetadata: v.boolean(),
  failure: v.optional(v.string()),
  waiting: v.optional(v.object({ reason: v.string(), nextTryAt: v.optional(Moment) })),
};

/** A torrent in the state. */
export const TorrentSummary = v.object({ ...torrentSummary, room: v.optional(Room) });

/** A torrent from near. */
export const TorrentDetails = v.object({
  isSequential: v.boolean(),
  ...torrentSummary,
  comment: v.string(),
  createdBy: v.string(),
  createdAt: v.optional(Moment),
  isPrivate: v.boolean(),
  magnet: v.string(),
  folder: v.string(),
  choices: OwnChoices,
  uploadedEver: Bytes,
  downloadedEver: Bytes,
  corruptBytes: Bytes,
  secondsDownloading: Count,
  secondsSeeding: Count,
  files: v.pipe(Count, v.description("How many files it has")),
  code: v.optional(
    v.pipe(v.string(), v.description("Four words by which others get it; none where private")),
  ),
  isListed: v.pipe(v.boolean(), v.description("Whether hosts near by that know no code see it")),
  rarest: v.optional(
    v.pipe(Count, v.description("Copies of its rarest piece, here and at connected peers")),
  ),
});

const publicKey = {
  key: v.pipe(v.string(), v.description("Public key: 43 characters")),
  fingerprint: v.pipe(v.string(), v.description("The key in six words, to compare")),
};

/** An invitation to a fleet. */
export const Invitation = v.object({
  code: v.pipe(v.string(), v.description("A number and three words")),
  state: v.picklist(["open", "all have joined", "three wrong guesses", "time is up"]),
  joined: Count,
  expiresAt: Moment,
});

const OfferedHost = v.object({
  name: v.string(),
  state: v.pipe(
    v.picklist(["asked", "accepted", "declined", "busy", "full", "away", "silent"]),
    v.description("away and silent have not answered: they are not connected, or are"),
  ),
  needs: v.optional(Bytes),
  has: v.optional(Bytes),
});

/** What leads of a fleet offer. */
const Offer = v.object({
  infoHash: InfoHashText,
  name: v.string(),
  length: Bytes,
  files: Count,
  lead: v.pipe(v.string(), v.description("The name of its machine")),
  isOwn: v.boolean(),
  state: v.picklist([
    ...["asked", "accepted", "declined", "busy", "full"] as const,
    ...["offered", "cancelled", "expired", "for others"] as const,
  ]),
  needs: v.optional(Bytes),
  has: v.optional(Bytes),
  issuedAt: Moment,
  expiresAt: Moment,
  hosts: v.optional(v.pipe(v.array(OfferedHost), v.description("Of an offer of this host"))),
});

/** The key of this home, and the fleet that it is a member of. */
export const Fleet = v.object({
  self: v.object({ ...v.partial(v.object(publicKey)).entries, name: v.string() }),
  fleet: v.optional(v.object({
    name: v.string(),
    isLead: v.pipe(v.boolean(), v.description("Whether this host is a lead")),
    accept: v.picklist(["ask", "lead"]),
    quota: v.optional(v.pipe(Bytes, v.description("What leads may fill; half of what is free without it"))),
    leads: v.array(v.object({ ...publicKey, name: v.string() })),
    members: v.array(v.object({
      ...publicKey,
      name: v.string(),
      isLead: v.boolean(),
      isHere: v.boolean(),
      endpoint: v.string(),
      seenAt: Moment,
    })),
    invitation: v.optional(Invitation),
    offers: v.array(Offer),
  })),
});

/** The key of a home. */
export const OwnKey = v.object(publicKey);

/** The text that makes a host a member. */
export const ImageKey = v.object({ key: v.string() });

const processSummary = {
  version: v.string(),
  hostname: v.string(),
  pid: Count,
  home: v.string(),
  encryption: v.picklist(["prefer", "require", "off"]),
  localDiscovery: v.boolean(),
  port: Count,
  trackerPort: v.optional(Count),
  startedAt: Moment,
  connections: Count,
  uploadRate: Rate,
  downloadRate: Rate,
  uploaded: Bytes,
  downloaded: Bytes,
  uploadedEver: Bytes,
  downloadedEver: Bytes,
  choices: v.object(choices),
  isAlternative: v.pipe(v.boolean(), v.description("Whether the alternative limits hold")),
};

/** The process in the state. */
const ProcessSummary = v.object(processSummary);

/** The process, and the choices that the user has made for all torrents. */
export const SessionView = v.object({
  process: ProcessSummary,
  choices: OwnChoices,
  bans: v.pipe(v.array(v.string()), v.description("Banned IP addresses")),
});

export const State = v.object({
  sequence: Count,
  time: Moment,
  process: ProcessSummary,
  torrents: v.record(InfoHashText, TorrentSummary),
});

/** The latest events. */
export const Log = v.object({
  sequence: Count,
  log: v.array(v.looseObject({ event: v.string(), time: Moment })),
});

/** The connected peers of a torrent. */
export const Peers = v.object({
  peers: v.array(v.object({
    endpoint: v.string(),
    address: v.string(),
    port: Count,
    peerId: v.pipe(v.string(), v.description("40 hex digits")),
    client: v.string(),
    source: v.string(),
    isIncoming: v.boolean(),
    isEncrypted: v.boolean(),
    have: Count,
    downloadRate: Rate,
    uploadRate: Rate,
    progressRate: v.pipe(Rate, v.description("Bytes per second that it gets from anybody")),
    downloaded: Bytes,
    uploaded: Bytes,
    isUploadSlot: v.boolean(),
    isDownloadSource: v.boolean(),
    weChoke: v.boolean(),
    peerChokes: v.boolean(),
    weWant: v.boolean(),
    peerWants: v.boolean(),
    isSnubbed: v.boolean(),
    isSeed: v.boolean(),
    requests: Count,
    reason: v.string(),
    sourceReason: v.string(),
  })),
});

const Part = v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description("Part of a whole, 0 to 1"));

/** The machines that take part in a torrent. */
export const Hosts = v.object({
  hosts: v.array(v.object({
    endpoint: v.string(),
    name: v.optional(v.string()),
    client: v.optional(v.string()),
    isSelf: v.boolean(),
    isAnnouncer: v.boolean(),
    state: v.picklist(["downloading", "done", "paused", "failed", "checking", "waiting", "gone"]),
    part: v.optional(Part),
    left: v.optional(Bytes),
    downloadRate: v.optional(Rate),
    uploadRate: v.optional(Rate),
    etaS: v.optional(Count),
    slow: v.optional(v.pipe(v.string(), v.description("Why it is slower than the others"))),
    firstSeenAt: v.optional(Moment),
    doneAt: v.optional(Moment),
    goneSince: v.optional(Moment),
  })),
});

export const Files = v.object({
  files: v.array(v.object({
    position: Count,
    path: v.string(),
    length: Bytes,
    have: Bytes,
    isWanted: v.boolean(),
    isFirst: v.boolean(),
  })),
});

/** The trackers and web seeds of a torrent. */
export const Trackers = v.object({
  trackers: v.array(v.object({
    url: v.string(),
    tier: Count,
    isOwn: v.boolean(),
    standsIn: v.optional(
      v.pipe(v.literal(true), v.description("None of the torrent: it stands in while none of them answers")),
    ),
    state: v.picklist(["idle", "announcing", "ok", "failed", "not asked"]),
    seeders: v.optional(Count),
    leechers: v.optional(Count),
    downloads: v.optional(Count),
    peersHeard: Count,
    lastAnnounceAt: v.optional(Moment),
    nextAnnounceAt: v.optional(Moment),
    failure: v.optional(v.string()),
  })),
});

export const WebSeeds = v.object({
  webSeeds: v.array(v.object({
    url: v.string(),
    kind: v.picklist(["files", "pieces"]),
    isConnected: v.boolean(),
    downloadRate: Rate,
    downloaded: Bytes,
    failure: v.optional(v.string()),
  })),
});

const Bits = v.pipe(
  v.string(),
  v.base64(),
  v.description("A bit for each piece, the first one highest, in base64"),
);

export const Pieces = v.object({
  have: Bits,
  wanted: Bits,
  availability: v.pipe(v.array(Count), v.description("Connected peers that have each piece")),
  active: v.array(v.object({
    index: Count,
    blocks: Count,
    done: Count,
    from: v.array(v.string()),
    asked: v.array(v.string()),
  })),
});

const Ports = v.array(Count);

/** What `peer doctor` found. */
export const Examination = v.object({
  checks: v.array(v.object({
    subject: v.string(),
    verdict: v.picklist(["good", "bad", "unknown"]),
    finding: v.pipe(v.string(), v.description("What was found, and where it is bad what to do")),
    blocked: v.optional(v.pipe(
      v.object({ tcp: Ports, udp: Ports }),
      v.description("Ports that a firewall keeps closed"),
    )),
  })),
  summary: v.pipe(v.string(), v.description("One sentence about all of it")),
});

/** Where the page and the interface are served. */
export const WebPlace = v.object({
  addresses: v.pipe(v.array(v.string()), v.description("URLs without a path")),
  page: v.optional(v.pipe(v.string(), v.description("The page's address with the token of this run"))),
  password: v.optional(v.pipe(v.string(), v.description("For programs that know no token"))),
});

/** A process that stops. */
export const Stopping = v.object({ pid: Count });

/** Refusals (RFC 9457). */
export const ProblemBody = v.object({
  type: v.string(),
  title: v.string(),
  status: Count,
  detail: v.string(),
});
