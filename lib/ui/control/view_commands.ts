/** `peer files`, `peers`, `trackers`: one torrent of the running process, seen from one side. */
import { EXIT, type ExitCode } from "../failure.ts";
import { formatBytes, formatDuration, formatRate, percentOf } from "../number_format.ts";
import { wrapToWidth } from "../text_format.ts";
import { namedTorrent } from "./named_torrents.ts";
import { type Page, pageHere, printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { FileView, PeerView, TorrentSummary, TrackerView } from "../../api/shapes.ts";
import { type Column, tableLines } from "./table.ts";

/** Shows the files of a torrent. */
export async function files(remote: Remote, word: string, { json }: RemoteOptions): Promise<ExitCode> {
  const { infoHash } = namedTorrent(word, await torrentsOf(remote));
  const { files } = await remote.get(`/torrents/${infoHash}/files`) as { files: FileView[] };
  printResult(json, files, () => fileLines(files, pageHere()));
  return EXIT.ok;
}

/** Shows the connected peers of a torrent. */
export async function peers(remote: Remote, word: string, { json }: RemoteOptions): Promise<ExitCode> {
  const torrent = namedTorrent(word, await torrentsOf(remote));
  const { peers } = await remote.get(`/torrents/${torrent.infoHash}/peers`) as { peers: PeerView[] };
  printResult(json, peers, () => peerLines(peers, torrent, pageHere()));
  return EXIT.ok;
}

/** Shows the trackers of a torrent. */
export async function trackers(remote: Remote, word: string, { json }: RemoteOptions): Promise<ExitCode> {
  const { infoHash } = namedTorrent(word, await torrentsOf(remote));
  const { trackers } = await remote.get(`/torrents/${infoHash}/trackers`) as { trackers: TrackerView[] };
  printResult(json, trackers, () => trackerLines(trackers, Date.now(), pageHere()));
  return EXIT.ok;
}

/** A table of files. */
export function fileLines(files: readonly FileView[], page: Page): string[] {
  if (files.length === 0) {
    return ["the files are not known yet: the torrent is still fetched from other peers"];
  }
  return tableLines(FILE_COLUMNS, files, page);
}

const FILE_COLUMNS: readonly Column<FileView>[] = [
  { title: "#", text: ({ position }) => String(position), isNumber: true, rank: 3 },
  { title: "FILE", text: ({ path }) => path, isElastic: true, rank: 0 },
  { title: "SIZE", text: ({ length }) => formatBytes(length), isNumber: true, rank: 2 },
  { title: "DONE", text: ({ have, length }) => `${percentOf(have, length)}%`, isNumber: true, rank: 1 },
  {
    title: "WANTED",
    text: ({ isWanted, isFirst }) => !isWanted ? "no" : isFirst ? "first" : "yes",
    style: ({ isWanted }) => isWanted ? undefined : "dim",
    rank: 1,
  },
];

/** A table of peers, and what its words mean. */
export function peerLines(
  peers: readonly PeerView[],
  { pieces, connections, known }: Pick<TorrentSummary, "pieces" | "connections" | "known">,
  page: Page,
): string[] {
  if (peers.length === 0) {
    return [`no peer is connected; ${known} ${known === 1 ? "is" : "are"} known`];
  }
  const sorted = [...peers].sort((a, b) =>
    b.downloadRate + b.uploadRate - a.downloadRate - a.uploadRate || (a.endpoint < b.endpoint ? -1 : 1)
  );
  return [
    ...tableLines(peerColumns(pieces), sorted, page),
    "",
    ...wrapToWidth(
      `${connections} connected, ${known} known. ${LEGEND}`,
      Math.min(page.width, LEGEND_COLUMNS),
      LEGEND_LINES,
    ),
  ];
}

/** The words of the table of peers. */
const LEGEND =
  "GIVES: what the peer does for us. source: we download from it; choked: it refuses; snubbed: it owes us " +
  "blocks; spare: it would give. GETS: what we do for it. slot: it may download from us; waits: it wants a slot. " +
  "Slots and sources are given anew in each round, to the fastest.";
/** The most columns and lines of the sentences about them. */
const LEGEND_COLUMNS = 100;
const LEGEND_LINES = 12;

function peerColumns(pieces: number): Column<PeerView>[] {
  return [
    { title: "PEER", text: ({ endpoint }) => endpoint, isElastic: true, rank: 0 },
    { title: "DONE", text: ({ have }) => `${percentOf(have, pieces)}%`, isNumber: true, rank: 1 },
    {
      title: "GIVES",
      text: givesText,
      style: ({ isDownloadSource }) => isDownloadSource ? "cyan" : "dim",
      rank: 3,
    },
    {
      title: "DOWN",
      text: ({ downloadRate }) => downloadRate < 1 ? "" : formatRate(downloadRate),
      isNumber: true,
      rank: 2,
    },
    { title: "GETS", text: getsText, style: ({ isUploadSlot }) => isUploadSlot ? "green" : "dim", rank: 3 },
    {
      title: "UP",
      text: ({ uploadRate }) => uploadRate < 1 ? "" : formatRate(uploadRate),
      isNumber: true,
      rank: 2,
    },
    { title: "CLIENT", text: ({ client }) => client, rank: 4 },
    { title: "FOUND BY", text: ({ source }) => source ?? "", rank: 6 },
    { title: "WHY", text: whyText, isElastic: true, rank: 5 },
  ];
}

/** What a peer does for us. */
function givesText({ isDownloadSource, isSnubbed, weWant, peerChokes }: PeerView): string {
  if (isDownloadSource) return isSnubbed ? "snubbed" : "source";
  return weWant ? peerChokes ? "choked" : "spare" : "-";
}

/** What we do for a peer. */
function getsText({ isUploadSlot, peerWants }: PeerView): string {
  return isUploadSlot ? "slot" : peerWants ? "waits" : "-";
}

function whyText({ reason, sourceReason }: PeerView): string {
  return [reason, sourceReason].filter((text) => text !== undefined && text !== "").join("; ");
}

/** A table of trackers; `now` in ms since 1970. */
export function trackerLines(trackers: readonly TrackerView[], now: number, page: Page): string[] {
  if (trackers.length === 0) {
    return ["the torrent names no tracker: peers are found by multicast and by other peers"];
  }
  const below = ({ failure }: TrackerView) =>
    failure === undefined ? undefined : { text: failure, style: "red" as const };
  return tableLines(trackerColumns(now), trackers, { ...page, below });
}

function trackerColumns(now: number): Column<TrackerView>[] {
  const number = (value: number | undefined) => value === undefined ? "" : String(value);
  return [
    { title: "TIER", text: ({ tier }) => String(tier), isNumber: true, rank: 5 },
    {
      title: "TRACKER",
      text: ({ url, isOwn, standsIn }) =>
        isOwn ? `${url} (this peer)` : standsIn ? `${url} (stands in)` : url,
      isElastic: true,
      rank: 0,
    },
    {
      title: "STATE",
      text: ({ state }) => state,
      style: ({ state }) => state === "ok" ? "green" : state === "failed" ? "red" : undefined,
      rank: 1,
    },
    { title: "SEEDERS", text: ({ seeders }) => number(seeders), isNumber: true, rank: 3 },
    { title: "LEECHERS", text: ({ leechers }) => number(leechers), isNumber: true, rank: 3 },
    { title: "TOLD", text: ({ peersHeard }) => number(peersHeard), isNumber: true, rank: 6 },
    {
      title: "LAST",
      text: ({ lastAnnounceAt }) => lastAnnounceAt === undefined ? "" : agoText(now - lastAnnounceAt),
      isNumber: true,
      rank: 4,
    },
    {
      title: "NEXT",
      text: ({ nextAnnounceAt }) => nextAnnounceAt === undefined ? "" : inText(nextAnnounceAt - now),
      isNumber: true,
      rank: 2,
    },
  ];
}

function agoText(ms: number): string {
  return ms < 1000 ? "now" : `${formatDuration(ms / 1000)} ago`;
}

function inText(ms: number): string {
  return ms < 1000 ? "now" : `in ${formatDuration(ms / 1000)}`;
}
