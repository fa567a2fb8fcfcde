/** `peer hosts`: all machines that take part in a torrent, how far they are, and which one is slow, and why. */
import { EXIT, type ExitCode } from "../failure.ts";
import { formatBytes, formatDuration, formatRate, percentOfPart } from "../number_format.ts";
import { clockText } from "./clock_text.ts";
import { namedTorrent } from "./named_torrents.ts";
import { hasIt, roomText, urgencyOf } from "../progress/room_text.ts";
import type { Style } from "./paint.ts";
import { type Page, pageHere, printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { HostView, RoomView } from "../../api/shapes.ts";
import { type Column, tableLines } from "./table.ts";

/** Shows the machines of a torrent; without a name, those of the only one. */
export async function hosts(remote: Remote, word: string, { json }: RemoteOptions): Promise<ExitCode> {
  const torrent = namedTorrent(word, await torrentsOf(remote));
  const { hosts } = await remote.get(`/torrents/${torrent.infoHash}/hosts`) as { hosts: HostView[] };
  printResult(json, hosts, () => hostLines(hosts, torrent.room, pageHere()));
  return EXIT.ok;
}

/** The answer to "is everybody done?", and a table: the hosts that need a person come first. */
export function hostLines(hosts: readonly HostView[], room: RoomView | undefined, page: Page): string[] {
  const sorted = [...hosts].sort((a, b) => urgencyOf(a) - urgencyOf(b) || (a.part ?? 0) - (b.part ?? 0));
  return [answerOf(hosts, room), ...tableLines(COLUMNS, sorted, page)];
}

function answerOf(hosts: readonly HostView[], room: RoomView | undefined): string {
  if (hosts.length === 1) return "no other machine is known yet";
  return roomText(hosts.length, hosts.filter(hasIt).length, room?.lastInS);
}

const STYLES: Readonly<Record<string, Style>> = { failed: "red", gone: "red", paused: "dim" };

const COLUMNS: readonly Column<HostView>[] = [
  { title: "HOST", text: ({ name, client }) => name ?? client ?? "", isElastic: true, rank: 0 },
  { title: "ADDRESS", text: ({ endpoint, isSelf }) => isSelf ? `${endpoint} (here)` : endpoint, rank: 4 },
  {
    title: "STATE",
    text: ({ state }) => state,
    style: (host) => hasIt(host) ? "green" : STYLES[host.state],
    rank: 1,
  },
  {
    title: "DONE",
    text: ({ part }) => part === undefined ? "?" : `${percentOfPart(part)}%`,
    isNumber: true,
    rank: 0,
  },
  { title: "LEFT", text: ({ left }) => left ? formatBytes(left) : "", isNumber: true, rank: 5 },
  {
    title: "DOWN",
    text: ({ downloadRate }) => downloadRate ? formatRate(downloadRate) : "",
    isNumber: true,
    rank: 2,
  },
  { title: "TIME", text: timeText, isNumber: true, rank: 2 },
  { title: "WHY SLOW", text: ({ slow }) => slow ?? "", style: () => "yellow", isElastic: true, rank: 3 },
];

/** The time left, or when it was done, or since when it has gone. */
function timeText({ state, etaS, doneAt, goneSince }: HostView): string {
  if (state === "gone") return goneSince === undefined ? "" : `since ${clockText(goneSince)}`;
  if (state === "done") return doneAt === undefined ? "" : `at ${clockText(doneAt)}`;
  return etaS === undefined ? "" : formatDuration(etaS);
}
