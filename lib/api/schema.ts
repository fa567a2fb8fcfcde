/** What requests and answers consist of. Checks, types and the OpenAPI document all come from here. */
import * as v from "valibot";

const Bytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.description("Bytes"));
const Rate = v.pipe(v.number(), v.integer(), v.minValue(0), v.description("Bytes per second"));
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Moment = v.pipe(v.number(), v.description("Milliseconds since 1970"));

/** The identity of a torrent. */
export const InfoHashText = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{40}$/, "Expected 40 hex digits"),
  v.description("Info-hash: 40 lower-case hex digits"),
);

/** A choice as a client makes it: null goes back to the default, "none" is no limit. */
const LimitChoice = v.nullish(v.union([v.pipe(v.number(), v.gtValue(0)), v.literal("none")]));
const PlacesChoice = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)));

/** Choices for one torrent. */
export const TorrentChoices = v.strictObject({
  uploadSlots: PlacesChoice,
  downloadSources: PlacesChoice,
  rechokeMs: v.nullish(v.pipe(v.number(), v.gtValue(0))),
  superSeeds: v.nullish(v.boolean()),
  peerExchange: v.nullish(v.boolean()),
  maxUpload: LimitChoice,
  maxDownload: LimitChoice,
});

const Globs = v.optional(v.array(v.pipe(v.string(), v.minLength(1))));

/** Which files are wanted, and in which order; a wish that is left out stays as it is. */
export const FileSelection = v.strictObject({
  only: Globs,
  skip: Globs,
  first: Globs,
  sequential: v.optional(v.boolean()),
});

export const Removal = v.strictObject({ deleteData: v.optional(v.boolean(), false) });

/** The torrents that an order was given to. */
export const Ordered = v.object({ torrents: v.array(InfoHashText) });

export const Nothing = v.object({});

/** The machines of a torrent in numbers. */
export const Room = v.object({
  hosts: Count,
  done: Count,
  gone: Count,
  slow: Count,
  together: v.pipe(v.number(), v.description("Part of the data of all hosts that is there, 0 to 1")),
  lastInS: v.optional(v.pipe(v.number(), v.description("Seconds until the last one is done"))),
  sentCopies: v.optional(v.number()),
  othersCopies: v.optional(v.number()),
});

/** A torrent in the state. */
export const TorrentSummary = v.object({
  infoHash: InfoHashText,
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
  length: Bytes,
  pieceLength: Bytes,
  pieces: Count,
  have: Count,
  missing: Count,
  checked: v.optional(Count),
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
  room: v.optional(Room),
});

/** The process in the state. */
export const ProcessSummary = v.object({ version: v.string(), pid: Count, port: Count });

export const State = v.object({
  sequence: Count,
  time: Moment,
  process: ProcessSummary,
  torrents: v.record(InfoHashText, TorrentSummary),
});

/** A connected peer. */
export const Peer = v.object({
  endpoint: v.string(),
  client: v.string(),
  have: Count,
  downloadRate: Rate,
  uploadRate: Rate,
  downloaded: Bytes,
  uploaded: Bytes,
  isUploadSlot: v.boolean(),
  isDownloadSource: v.boolean(),
  reason: v.string(),
});

const Part = v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description("Part of a whole, 0 to 1"));

/** A machine that takes part in a torrent. */
export const Host = v.object({
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
});

/** Refusals (RFC 9457). */
export const ProblemBody = v.object({
  type: v.string(),
  title: v.string(),
  status: Count,
  detail: v.string(),
});

export type State = v.InferOutput<typeof State>;
export type TorrentSummary = v.InferOutput<typeof TorrentSummary>;
export type Peer = v.InferOutput<typeof Peer>;
