/** The bodies of orders: checks, types and the OpenAPI document come from here. A member that is unknown is refused. */
import * as v from "valibot";
import { type InfoHash, parseInfoHash } from "../../protocol/info_hash.ts";
import { METAINFO_LIMITS } from "../../settings.ts";

/** No text of an order is longer, but for magnet links and torrents. */
const MAX_TEXT = 4_096;
/** No list of an order is longer. */
const MAX_LIST = 1_000;

const Text = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEXT));
const Texts = v.pipe(v.array(Text), v.maxLength(MAX_LIST));

/** A choice as a client makes it: null goes back to the default, "none" is no limit. */
const LimitChoice = v.nullish(v.union([v.pipe(v.number(), v.gtValue(0)), v.literal("none")]));
const PlacesChoice = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)));

const torrentChoices = {
  uploadSlots: PlacesChoice,
  downloadSources: PlacesChoice,
  rechokeMs: v.nullish(v.pipe(v.number(), v.gtValue(0))),
  superSeeds: v.nullish(v.boolean()),
  peerExchange: v.nullish(v.boolean()),
  maxUpload: LimitChoice,
  maxDownload: LimitChoice,
  seedRatio: LimitChoice,
  seedTimeMs: LimitChoice,
};

/** The hours of the alternative limits, by the clock on the wall. */
const Schedule = v.strictObject({
  fromMinute: v.pipe(v.number(), v.description("Minutes since midnight")),
  toMinute: v.pipe(
    v.number(),
    v.description("The first minute after it; before the first, it lasts until next day"),
  ),
  days: v.pipe(v.number(), v.description("A bit for each day: 1 for Sunday, up to 64")),
});

/** Choices for one torrent. */
export const TorrentChoices = v.strictObject(torrentChoices);

/** Choices for all torrents and the process. */
export const ProcessChoices = v.strictObject({
  ...torrentChoices,
  maxActive: LimitChoice,
  altMaxUpload: LimitChoice,
  altMaxDownload: LimitChoice,
  altIsOn: v.nullish(v.boolean()),
  altSchedule: v.nullish(v.union([Schedule, v.literal("none")])),
});

const globs = {
  only: v.optional(v.pipe(Texts, v.description("Globs of the wanted files; an empty list is all"))),
  skip: v.optional(v.pipe(Texts, v.description("Globs of files that are not wanted"))),
  first: v.optional(v.pipe(Texts, v.description("Globs of files that come before the others"))),
  sequential: v.optional(v.boolean()),
};

/** Which files of a new torrent are wanted, and in which order. */
const NewFiles = v.strictObject(globs);

const Positions = v.optional(
  v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))), v.maxLength(METAINFO_LIMITS.files)),
);

/** Which files are wanted, and in which order; a wish that is left out stays as it is. */
export const FileSelection = v.strictObject({
  ...globs,
  files: v.optional(v.pipe(
    v.strictObject({ wanted: Positions, unwanted: Positions, first: Positions, notFirst: Positions }),
    v.description("Files that change, by position; instead of globs"),
  )),
});

/** A torrent to take in, from exactly one of `magnet`, `metainfo`, `url` and `path`. */
export const Addition = v.strictObject({
  magnet: v.optional(v.pipe(v.string(), v.description("A magnet link"))),
  metainfo: v.optional(v.pipe(v.string(), v.description("A .torrent file in base64"))),
  url: v.optional(v.pipe(Text, v.description("The http or https address of a .torrent file"))),
  path: v.optional(v.pipe(Text, v.description("A .torrent file; over the control socket only"))),
  files: v.optional(NewFiles),
  paused: v.optional(v.boolean()),
  labels: v.optional(Texts),
  output: v.optional(v.pipe(
    Text,
    v.description("Absolute path of the folder for its data; over TCP only below those of --output-folders"),
  )),
  reuse: v.optional(v.pipe(
    Texts,
    v.description("Absolute paths of old data, of which pieces are taken; over TCP as output"),
  )),
  peers: v.optional(v.pipe(Texts, v.description("Peers to dial at once, host:port each"))),
  listed: v.optional(
    v.pipe(v.boolean(), v.description("Whether hosts near by that know no code see that it is shared")),
  ),
});

/** A file or folder of this machine to share. */
export const NewShare = v.strictObject({
  path: v.pipe(
    Text,
    v.description(
      "Absolute path; over TCP only in shareable/ and in what is below those of --output-folders",
    ),
  ),
  listed: v.optional(
    v.pipe(v.boolean(), v.description("Whether hosts near by that know no code see that it is shared")),
    true,
  ),
  pieceLength: v.optional(v.pipe(
    v.number(),
    v.integer(),
    v.minValue(METAINFO_LIMITS.minPieceLength),
    v.maxValue(METAINFO_LIMITS.maxPieceLength),
    v.description("In bytes; by the size where left out"),
  )),
});

/** A share that is being made. */
export const ShareNumber = v.strictObject({ id: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/** A folder of this machine to look into. */
export const Folder = v.strictObject({
  folder: v.optional(
    v.pipe(Text, v.description("Absolute path, as for a new share; shareable/ where left out")),
  ),
});

/** A question for what is shared. */
export const Question = v.strictObject({
  code: v.optional(v.pipe(Text, v.description("The words of a code; all that is shared near by without it"))),
  peers: v.optional(v.pipe(Texts, v.description("Peers to ask beside those near by, host:port each"))),
});

/** Reads the info-hash of a torrent. */
const toInfoHash = v.rawTransform<string, InfoHash>(({ dataset: { value }, addIssue, NEVER }) => {
  const infoHash = parseInfoHash(value);
  if (infoHash !== undefined) return infoHash;
  addIssue({ message: "Expected 40 hex digits" });
  return NEVER;
});

/** What is to be examined. */
export const Patient = v.strictObject({
  torrent: v.optional(v.pipe(
    Text,
    toInfoHash,
    v.description("Info-hash; all torrents without it"),
  )),
});

/** The name of a new fleet. */
export const NewFleet = v.strictObject({ name: Text });

export const NewInvitation = v.strictObject({
  count: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000), v.description("How many may join")),
  ),
});

const fleetChoices = {
  accept: v.optional(
    v.pipe(v.picklist(["ask", "lead"]), v.description("lead: take what leads offer without asking")),
  ),
  quota: v.nullish(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.description("Bytes that leads may fill; null: half of what is free"),
    ),
  ),
};

/** How a member takes what leads offer; what is left out stays as it is. */
export const FleetChoices = v.strictObject(fleetChoices);

export const Joining = v.strictObject({
  code: v.pipe(Text, v.description("The code of an invitation")),
  peers: v.optional(v.pipe(Texts, v.description("Peers to ask beside those near by, host:port each"))),
  ...fleetChoices,
});

/** A lead, or all that makes a host a member. */
export const Trust = v.strictObject({ key: Text, ...fleetChoices });

/** A torrent that is offered. */
export const OfferedTorrent = v.strictObject({
  infoHash: v.pipe(v.string(), v.length(40), toInfoHash, v.description("40 hex digits")),
});

export const NewOffer = v.strictObject({
  infoHash: v.pipe(
    v.string(),
    v.length(40),
    toInfoHash,
    v.description("40 hex digits, of a torrent of this session"),
  ),
  to: v.optional(v.pipe(Texts, v.description("Names of members; all where left out"))),
  replaces: v.optional(
    v.pipe(
      v.string(),
      v.length(40),
      toInfoHash,
      v.description("The torrent of the version before, whose data is used again"),
    ),
  ),
});

export const Distrust = v.strictObject({ key: Text });

const MEMBER = "The name, the key or the fingerprint of a member that is away";

export const Forgetting = v.strictObject({ host: v.pipe(Text, v.description(MEMBER)) });

export const Waking = v.strictObject({ hosts: v.array(v.pipe(Text, v.description(MEMBER))) });

export const Removal = v.strictObject({
  deleteData: v.optional(v.pipe(v.boolean(), v.description("Whether finished files go too")), false),
});

export const Relocation = v.strictObject({
  folder: v.pipe(
    Text,
    v.description("Absolute path; over TCP only shareable/ and what is below those of --output-folders"),
  ),
  moveData: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Whether finished files are moved there; else they are looked for there"),
    ),
    true,
  ),
});

export const Labels = v.strictObject({ labels: Texts });

export const NewPeers = v.strictObject({ add: v.pipe(Texts, v.description("host:port each")) });

export const TrackerChanges = v.strictObject({
  add: v.optional(Texts),
  tier: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.description("Of those added; else new ones")),
  ),
  drop: v.optional(Texts),
});

export const WebSeedChanges = v.strictObject({ add: v.optional(Texts), drop: v.optional(Texts) });

export const Move = v.strictObject({ to: v.picklist(["top", "up", "down", "bottom"]) });

export const BannedAddress = v.strictObject({ address: v.pipe(Text, v.description("An IP address")) });

/** No member at all. */
export const Empty = v.strictObject({});
