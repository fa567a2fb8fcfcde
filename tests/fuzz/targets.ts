import { ENCRYPTION_TARGETS } from "./encryption_targets.ts";
import { FLEET_TARGETS } from "./fleet_targets.ts";
import { HTTP_TARGETS } from "./http_targets.ts";
import { LOCAL_TARGETS } from "./local_targets.ts";
import { PEER_TARGETS } from "./peer_targets.ts";
import type { Target } from "./target.ts";
import { TORRENT_TARGETS } from "./torrent_targets.ts";
import { TRACKER_TARGETS } from "./tracker_targets.ts";

/** Every decoder of bytes from outside, and of what lies or is typed here. */
export const TARGETS: readonly Target[] = [
  ...TORRENT_TARGETS,
  ...PEER_TARGETS,
  ...FLEET_TARGETS,
  ...ENCRYPTION_TARGETS,
  ...TRACKER_TARGETS,
  ...HTTP_TARGETS,
  ...LOCAL_TARGETS,
];
