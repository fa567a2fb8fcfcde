/** The session in the text format of Prometheus (version 0.0.4). */
import type { SwarmSnapshot } from "../session/session.ts";
import { VERSION } from "../settings.ts";

/** The content type of that format. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** One number of each torrent: name without prefix, kind, meaning, value. */
const TORRENT_METRICS: readonly (readonly [
  name: string,
  kind: "gauge" | "counter",
  help: string,
  valueOf: (snapshot: SwarmSnapshot) => number,
])[] = [
  ["torrent_size_bytes", "gauge", "Bytes of all its files", ({ length }) => length],
  ["torrent_pieces", "gauge", "Pieces in all", ({ pieces }) => pieces],
  ["torrent_pieces_stored", "gauge", "Pieces that are stored", ({ have }) => have],
  ["torrent_finished", "gauge", "1 when all wanted data is in its place", ({ finished }) => finished ? 1 : 0],
  ["torrent_connections", "gauge", "Connected peers", ({ connections }) => connections],
  ["torrent_download_rate_bytes", "gauge", "Bytes received a second", ({ downloadRate }) => downloadRate],
  ["torrent_upload_rate_bytes", "gauge", "Bytes sent a second", ({ uploadRate }) => uploadRate],
  ["torrent_downloaded_bytes_total", "counter", "Bytes received", ({ downloaded }) => downloaded],
  ["torrent_uploaded_bytes_total", "counter", "Bytes sent", ({ uploaded }) => uploaded],
];

/** All metrics of a session, from its snapshot. */
export function metricsOf(snapshots: readonly SwarmSnapshot[]): string {
  const states = new Map<string, number>();
  for (const { state } of snapshots) states.set(state, (states.get(state) ?? 0) + 1);
  const perState = Array.from(states, ([state, count]): Sample => [{ state }, count]);
  return [
    metric("info", "gauge", "The version that runs", [[{ version: VERSION }, 1]]),
    metric("torrents", "gauge", "Torrents by state", perState),
    ...TORRENT_METRICS.map(([name, kind, help, valueOf]) =>
      metric(
        name,
        kind,
        help,
        snapshots.map((snapshot) => [
          { info_hash: snapshot.infoHash, name: snapshot.name },
          valueOf(snapshot),
        ]),
      )
    ),
  ].join("");
}

function metric(name: string, kind: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `peer_${name}{${labelsText(labels)}} ${value}\n`);
  return `# HELP peer_${name} ${help}\n# TYPE peer_${name} ${kind}\n${lines.join("")}`;
}

/** Names come from torrents, so they may hold whatever would end a label or a line. */
function labelsText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/["\\\n]/g, escaped)}"`)
    .join(",");
}

function escaped(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}
