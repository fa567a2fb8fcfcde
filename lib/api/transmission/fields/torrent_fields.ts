/** The fields of `torrent_get`, each made of what the session shows of a torrent. */
import { choiceFields } from "./choice_fields.ts";
import { fileFields } from "./file_fields.ts";
import type { Json } from "../json.ts";
import type { Dialect } from "../names.ts";
import { peerFields } from "./peer_fields.ts";
import type { TorrentSnapshot } from "../../../session/session.ts";
import { seconds, share, storedBytes, wantedBytes } from "./sizes.ts";
import type { TorrentLook } from "./torrent_look.ts";
import { trackerFields } from "./tracker_fields.ts";

/** Makes the value of a field; where the dialects differ in values, it makes what `dialect` expects. */
export type Field = (look: TorrentLook, dialect: Dialect) => Json;

/** The values of `status`. */
const STATUS = {
  stopped: 0,
  checking: 2,
  downloadQueued: 3,
  downloading: 4,
  seedQueued: 5,
  seeding: 6,
} as const;
/** The values of `error`: none, and one of this machine, at which a torrent stands still. */
const NO_ERROR = 0;
const LOCAL_ERROR = 3;
/** The values of `eta` and `eta_idle` that are no time. */
const NOT_APPLICABLE = -1;
const UNKNOWN = -2;
/** The values of `upload_ratio` that are no ratio. */
const NO_RATIO = -1;
const INFINITE_RATIO = -2;

/** All fields by name. */
export const TORRENT_FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>(Object.entries<Field>({
  activity_date: ({ snapshot, transferredAt }) =>
    seconds(transferredAt ?? snapshot.completedAt ?? snapshot.addedAt),
  added_date: ({ snapshot }) => seconds(snapshot.addedAt),
  comment: ({ details }) => details.comment,
  corrupt_ever: ({ details }) => details.corruptBytes,
  creator: ({ details }) => details.createdBy,
  date_created: ({ details }) => seconds(details.createdAt),
  desired_available: ({ snapshot }) => snapshot.offering > 0 ? snapshot.left : 0,
  done_date: ({ snapshot }) => seconds(snapshot.completedAt),
  download_dir: ({ details }) => details.folder,
  downloaded_ever: ({ snapshot }) => snapshot.downloaded,
  edit_date: () => 0,
  error: ({ snapshot }) => snapshot.failure === undefined ? NO_ERROR : LOCAL_ERROR,
  error_string: ({ snapshot }) => snapshot.failure ?? "",
  eta: ({ snapshot }) => etaOf(snapshot),
  eta_idle: () => NOT_APPLICABLE,
  hash_string: ({ snapshot }) => snapshot.infoHash,
  have_unchecked: () => 0,
  have_valid: ({ snapshot }) => storedBytes(snapshot),
  id: ({ snapshot }) => snapshot.number,
  // "Finished" is a torrent that rests because it has reached its goal.
  is_finished: ({ snapshot }) => snapshot.state === "paused" && snapshot.pauseReason !== undefined,
  is_private: ({ details }) => details.isPrivate,
  is_stalled: ({ snapshot }) => snapshot.waiting !== undefined,
  labels: ({ snapshot }) => snapshot.labels,
  left_until_done: ({ snapshot }) => snapshot.left,
  magnet_link: ({ details }) => details.magnet,
  manual_announce_time: () => 0,
  metadata_percent_complete: ({ snapshot }) => snapshot.lacksMetadata ? 0 : 1,
  name: ({ snapshot }) => snapshot.name,
  percent_complete: ({ snapshot }) => share(storedBytes(snapshot), snapshot.length),
  percent_done: ({ snapshot }) => {
    if (snapshot.lacksMetadata) return 0;
    const wanted = wantedBytes(snapshot);
    return share(wanted - snapshot.left, wanted);
  },
  piece_count: ({ snapshot }) => snapshot.pieces,
  piece_size: ({ snapshot }) => snapshot.pieceLength,
  pieces: ({ snapshot, pieces }) => snapshot.lacksMetadata ? "" : pieces.have.toBase64(),
  // A piece that is stored counts as -1.
  availability: ({ pieces: { availability, have } }) =>
    Array.from(availability, (copies, index) => hasBit(have, index) ? -1 : copies),
  queue_position: ({ snapshot }) => snapshot.queuePosition,
  rate_download: ({ snapshot }) => Math.round(snapshot.downloadRate),
  rate_upload: ({ snapshot }) => Math.round(snapshot.uploadRate),
  recheck_progress: ({ snapshot }) =>
    snapshot.checked === undefined ? 0 : share(snapshot.checked, snapshot.pieces),
  seconds_downloading: ({ details }) => details.secondsDownloading,
  seconds_seeding: ({ details }) => details.secondsSeeding,
  size_when_done: ({ snapshot }) => wantedBytes(snapshot),
  start_date: ({ snapshot }) => seconds(snapshot.addedAt),
  status: ({ snapshot }) => statusOf(snapshot),
  torrent_file: () => "",
  total_size: ({ snapshot }) => snapshot.length,
  upload_ratio: ({ snapshot }) => ratioOf(snapshot),
  uploaded_ever: ({ snapshot }) => snapshot.uploaded,
  webseeds: ({ webSeeds }) => webSeeds.map(({ url }) => url),
  ...fileFields,
  ...peerFields,
  ...trackerFields,
  ...choiceFields,
}));

/** The value of `status`. */
function statusOf({ state, left }: TorrentSnapshot): number {
  switch (state) {
    case "checking":
      return STATUS.checking;
    case "queued":
      return left > 0 ? STATUS.downloadQueued : STATUS.seedQueued;
    case "fetching metadata":
    case "downloading":
      return STATUS.downloading;
    case "seeding":
      return STATUS.seeding;
    case "paused":
    case "failed":
    case "leaving":
      return STATUS.stopped;
  }
}

/** Seconds until all that is wanted is there, or why there is no such number. */
function etaOf({ state, left, lacksMetadata, etaS }: TorrentSnapshot): number {
  if (etaS !== undefined) return Math.ceil(etaS);
  return state === "downloading" && left > 0 && !lacksMetadata ? UNKNOWN : NOT_APPLICABLE;
}

/** The ratio of sent to received bytes; a torrent that was there from the start is measured by what it has. */
function ratioOf(snapshot: TorrentSnapshot): number {
  const { uploaded, downloaded } = snapshot;
  const received = downloaded > 0 ? downloaded : storedBytes(snapshot);
  if (received > 0) return uploaded / received;
  return uploaded > 0 ? INFINITE_RATIO : NO_RATIO;
}

function hasBit(bits: Uint8Array, index: number): boolean {
  return (bits[index >> 3] & (0x80 >> (index & 7))) !== 0;
}
