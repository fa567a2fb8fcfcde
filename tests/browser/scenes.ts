/** The states in which the page is looked at. */
import type { HostView, RoomView } from "../../lib/api/shapes.ts";
import { roomOf, type Scene, stateOf, torrentState } from "./fake_program.ts";

/** Names that try to be markup, to turn text round, or to break out of their place. */
export const HOSTILE_NAME = '<img src=x onerror="alert(1)">\u202Etxt.exe</bdi><script>alert(2)</script>';

const FIRST = (1).toString(16).padStart(40, "0");

function inNumbers(hosts: readonly HostView[]): RoomView {
  const count = (matches: (host: HostView) => boolean) => hosts.filter(matches).length;
  return {
    hosts: hosts.length,
    done: count(({ state }) => state === "done"),
    gone: count(({ state }) => state === "gone"),
    slow: count(({ slow }) => slow !== undefined),
    together: hosts.reduce((sum, { part = 0 }) => sum + part, 0) / hosts.length,
    lastInS: 120,
    sentCopies: 1.1,
    othersCopies: 28.9,
  };
}

const have = Uint8Array.from({ length: 135 }, (_, at) => at < 70 ? 255 : at * 37 & 255);

/** What the folded parts show. */
const PARTS = {
  "": {
    magnet: `magnet:?xt=urn:btih:${FIRST}&dn=lecture.mp4&tr=http%3A%2F%2F10.0.0.5%3A6969%2Fannounce`,
    choices: {},
  },
  files: {
    files: Array.from({ length: 30 }, (_, i) => ({
      position: i,
      path: `disc 1/${i % 3 === 0 ? "глава" : "chapter"} ${i}/a long name of a file that goes on.mp4`,
      length: 1e8 * (i + 1),
      have: 2e7 * (i % 6) * (i + 1),
      isWanted: i % 4 !== 3,
      isFirst: i === 0,
    })),
  },
  peers: {
    peers: Array.from({ length: 6 }, (_, i) => ({
      endpoint: `10.0.0.${i + 2}:6881`,
      client: i === 3 ? HOSTILE_NAME : "peer 0.2.0",
      have: 200 * i,
      downloadRate: i * 3e6,
      uploadRate: i % 2 * 5e6,
      downloaded: i * 1e8,
      uploaded: i * 2e8,
      isUploadSlot: i < 3,
      isDownloadSource: i > 2,
      peerWants: i !== 5,
      weWant: true,
      peerChokes: i === 1,
      isSnubbed: i === 0,
      reason: ["fastest", "by chance", "free place", "", "others wait", ""][i],
      sourceReason: i > 2 ? "fastest" : "",
    })),
  },
  trackers: {
    trackers: [
      { url: "http://10.0.0.5:6969/announce", tier: 0, isOwn: true, state: "ok", seeders: 27, leechers: 3 },
      {
        url: "http://10.9.9.9/announce",
        tier: 1,
        isOwn: false,
        state: "failed",
        failure: "connection refused",
      },
    ],
  },
  pieces: {
    have: btoa(String.fromCharCode(...have)),
    wanted: "",
    availability: Array.from({ length: 1076 }, (_, i) => i % 97 === 0 ? 0 : i % 7),
  },
};

function room(count: number, torrent: Parameters<typeof torrentState>[1] = {}): Scene {
  const hosts = roomOf(count);
  const state = stateOf(torrentState(1, { room: inNumbers(hosts), ...torrent }));
  return { state, hosts: { [FIRST]: hosts }, parts: PARTS };
}

const done = { state: "seeding", finished: true, have: 1076, missing: 0, downloadRate: 0 } as const;
const hostile = roomOf(8).map((host) => ({
  ...host,
  name: HOSTILE_NAME,
  slow: HOSTILE_NAME,
  client: HOSTILE_NAME,
}));

/** All scenes by name. */
export const SCENES: Readonly<Record<string, Scene>> = {
  empty: { state: stateOf() },
  alone: {
    state: stateOf(torrentState(1, { ...done, role: "announcer", uploadRate: 0 })),
    hosts: { [FIRST]: roomOf(1) },
    parts: PARTS,
  },
  "room of 30": room(30),
  "room of 1000": room(1000, done),
  done: {
    ...room(30, { ...done, room: { ...inNumbers(roomOf(30)), done: 30, gone: 0, slow: 0, together: 1 } }),
  },
  failed: room(30, {
    state: "failed",
    failure: "The disk is full: lecture.mp4 needs 4.2 GiB, 1.2 GiB are free. Make room, then resume it",
  }),
  waiting: room(3, {
    downloadRate: 0,
    waiting: {
      reason: "nobody here has the data yet: the announcer 10.0.0.5 refuses connections",
      nextTryAt: Date.now() + 12_000,
    },
  }),
  checking: room(3, { state: "checking", checked: 400, room: undefined as never }),
  "many torrents": {
    state: stateOf(...Array.from({ length: 1000 }, (_, i) => {
      const state = (["downloading", "seeding", "paused", "failed", "queued"] as const)[i % 5];
      return torrentState(i + 1, {
        name: i % 5 === 0
          ? `Lecture ${i}: eine sehr lange Überschrift und noch mehr Text.mp4`
          : `course-${i}.iso`,
        state,
        finished: state === "seeding",
        have: i,
        missing: 1000 - i,
        ...(state === "failed" && { failure: "Cannot write: no space left on device" }),
      });
    })),
    hosts: { [FIRST]: roomOf(30) },
    parts: PARTS,
  },
  hostile: {
    state: stateOf(
      torrentState(1, {
        name: HOSTILE_NAME,
        labels: [HOSTILE_NAME],
        failure: HOSTILE_NAME,
        room: inNumbers(hostile),
      }),
    ),
    hosts: { [FIRST]: hostile },
    parts: {
      ...PARTS,
      files: { files: PARTS.files.files.map((file) => ({ ...file, path: HOSTILE_NAME })) },
      trackers: { trackers: PARTS.trackers.trackers.map((each) => ({ ...each, url: HOSTILE_NAME })) },
    },
  },
  locked: { state: stateOf(), isLocked: true },
};
