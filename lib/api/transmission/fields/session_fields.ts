/** The fields of `session_get`. Clients read dozens of them without a look whether they are there, so all are sent. */
import { join } from "node:path";
import { CONNECTIONS, RPC, TRANSFER, VERSION } from "../../../settings.ts";
import type { RpcContext } from "../call.ts";
import { freeBytes } from "../free_space.ts";
import type { Json, JsonObject } from "../json.ts";
import { isLimited, kilobytes } from "../limits.ts";
import { type Dialect, nameOf } from "../names.ts";
import { isList, type Params } from "../params.ts";

type SessionField = (context: RpcContext, dialect: Dialect) => Json | Promise<Json>;

/** Clients compare these versions with what they know; the program's own version stands in brackets. */
const VERSIONS = {
  legacy: { version: "4.0.6", rpc: 17, semver: "5.3.0" },
  "json-rpc": { version: "4.1.0", rpc: 18, semver: RPC.semver },
} as const;
/** The oldest version of the RPC whose clients get along with us. */
const OLDEST_RPC = 14;
/** Minutes and numbers that Transmission has by default, for choices that do not count here. */
const IDLE_MINUTES = 30;
const SEED_QUEUE = 10;
const BRUTE_FORCE_THRESHOLD = 100;
const EIGHT_IN_THE_MORNING = 8 * 60;
const FIVE_IN_THE_AFTERNOON = 17 * 60;
/** Alternative limits always are numbers in Transmission; this one is as good as none. */
const UNLIMITED_KB = 1_000_000;
const EVERY_DAY = 127;

const UNITS: JsonObject = {
  speed_units: ["kB/s", "MB/s", "GB/s", "TB/s"],
  speed_bytes: 1_000,
  size_units: ["kB", "MB", "GB", "TB"],
  size_bytes: 1_000,
  memory_units: ["KiB", "MiB", "GiB", "TiB"],
  memory_bytes: 1_024,
};

const no = () => false;
const nothing = () => "";

const SESSION_FIELDS: ReadonlyMap<string, SessionField> = new Map(Object.entries<SessionField>({
  alt_speed_down: ({ session }) => kilobytes(session.process().choices.altMaxDownload, UNLIMITED_KB),
  alt_speed_enabled: ({ session }) => session.process().isAlternative,
  alt_speed_time_begin: (context) => scheduleOf(context)?.fromMinute ?? EIGHT_IN_THE_MORNING,
  alt_speed_time_day: (context) => scheduleOf(context)?.days ?? EVERY_DAY,
  alt_speed_time_enabled: (context) => scheduleOf(context) !== undefined,
  alt_speed_time_end: (context) => scheduleOf(context)?.toMinute ?? FIVE_IN_THE_AFTERNOON,
  alt_speed_up: ({ session }) => kilobytes(session.process().choices.altMaxUpload, UNLIMITED_KB),
  anti_brute_force_enabled: () => true,
  anti_brute_force_threshold: () => BRUTE_FORCE_THRESHOLD,
  blocklist_enabled: no,
  blocklist_size: () => 0,
  blocklist_url: nothing,
  cache_size_mib: () => 0,
  config_dir: ({ home }) => home,
  default_trackers: nothing,
  dht_enabled: no,
  download_dir: ({ home }) => join(home, "shareable"),
  download_dir_free_space: async ({ home }) => (await freeBytes(join(home, "shareable"))).free,
  download_queue_enabled: ({ session }) => isLimited(session.choices().maxActive),
  download_queue_size: ({ session, limits }) => {
    const { maxActive } = session.choices();
    return isLimited(maxActive) ? maxActive! : limits.get("download_queue_size");
  },
  encryption: ({ session }, dialect) => {
    const { encryption } = session.process();
    if (encryption === "require") return "required";
    if (encryption === "prefer") return "preferred";
    return dialect === "legacy" ? "tolerated" : "allowed";
  },
  idle_seeding_limit: () => IDLE_MINUTES,
  idle_seeding_limit_enabled: no,
  incomplete_dir: ({ home }) => join(home, "state", "tmp"),
  incomplete_dir_enabled: () => true,
  lpd_enabled: ({ session }) => session.process().localDiscovery,
  peer_limit_global: () => CONNECTIONS.perProcess,
  peer_limit_per_torrent: () => CONNECTIONS.perTorrent,
  peer_port: ({ session }) => session.process().port,
  peer_port_random_on_start: no,
  pex_enabled: ({ session }) => session.choices().peerExchange ?? true,
  port_forwarding_enabled: no,
  preferred_transports: () => ["tcp"],
  queue_stalled_enabled: no,
  queue_stalled_minutes: () => IDLE_MINUTES,
  rename_partial_files: no,
  reqq: () => TRANSFER.maxQueuedRequests,
  rpc_version: (_, dialect) => VERSIONS[dialect].rpc,
  rpc_version_minimum: () => OLDEST_RPC,
  rpc_version_semver: (_, dialect) => VERSIONS[dialect].semver,
  script_torrent_added_enabled: no,
  script_torrent_added_filename: nothing,
  script_torrent_done_enabled: no,
  script_torrent_done_filename: nothing,
  script_torrent_done_seeding_enabled: no,
  script_torrent_done_seeding_filename: nothing,
  seed_queue_enabled: no,
  seed_queue_size: () => SEED_QUEUE,
  seed_ratio_limit: ({ session, limits }) => {
    const { seedRatio } = session.choices();
    return isLimited(seedRatio) ? seedRatio! : limits.get("seed_ratio_limit");
  },
  seed_ratio_limited: ({ session }) => isLimited(session.choices().seedRatio),
  session_id: ({ sessionId }) => sessionId,
  speed_limit_down: ({ session, limits }) =>
    kilobytes(session.choices().maxDownload, limits.get("speed_limit_down")),
  speed_limit_down_enabled: ({ session }) => isLimited(session.choices().maxDownload),
  speed_limit_up: ({ session, limits }) =>
    kilobytes(session.choices().maxUpload, limits.get("speed_limit_up")),
  speed_limit_up_enabled: ({ session }) => isLimited(session.choices().maxUpload),
  start_added_torrents: () => true,
  tcp_enabled: () => true,
  trash_original_torrent_files: no,
  units: () => UNITS,
  utp_enabled: no,
  version: (_, dialect) => `${VERSIONS[dialect].version} (peer ${VERSION})`,
}));

function scheduleOf({ session }: RpcContext) {
  const { altSchedule } = session.choices();
  return altSchedule === undefined || altSchedule === "none" ? undefined : altSchedule;
}

/** The method `session_get`: the fields that are asked for, or all; unknown ones are left out. */
export async function sessionGet(params: Params, context: RpcContext, dialect: Dialect): Promise<JsonObject> {
  const written = params.value("fields");
  const asked = isList(written) && written.length > 0
    ? written.flatMap((name) => typeof name === "string" ? [nameOf(name)] : [])
    : [...SESSION_FIELDS.keys()];
  const values: Record<string, Json> = {};
  for (const name of new Set(asked)) {
    const field = SESSION_FIELDS.get(name);
    if (field !== undefined) values[name] = await field(context, dialect);
  }
  return values;
}
