/** The states in which the page is looked at. */
import type { FleetView, HostView, OfferView, RoomView } from "../../lib/api/shapes.ts";
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
    code: "otter velvet lamp river",
    rarest: 4,
    folder: "/home/teacher/peer/shareable",
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

const HOME = "/home/teacher/peer";

/** A folder with files and folders, as `shares/look` tells it. */
function folderOf(names: readonly string[]) {
  return {
    folder: `${HOME}/shareable`,
    folders: [`${HOME}/shareable`, "/srv/films"],
    entries: names.map((name, i) => ({
      name,
      path: `${HOME}/shareable/${name}`,
      isFolder: i % 4 === 1,
      ...i % 4 !== 1 && { length: 1.7e8 * (i + 1) },
    })),
    isCut: false,
  };
}

/** What hosts near by share, as `lookups` tells it. */
function nearOf(names: readonly string[]) {
  const shares = names.map((name, i) => ({
    infoHash: String(i).repeat(40),
    name,
    length: 3.3e8 * (i + 1),
    files: i + 1,
    isVerified: true,
    isHere: i === 2,
    isListed: true,
    code: "strike repair member pride",
    strongCode: "strike repair member pride guess only",
    hosts: [{ name: i === 1 ? HOSTILE_NAME : "lab-01", endpoint: "10.0.0.5:6881" }],
    magnet: `magnet:?xt=urn:btih:${String(i).repeat(40)}`,
  }));
  return { shares, hosts: 2, refused: 0 };
}

const LOOKS = {
  "shares/look": folderOf([
    "disc.iso",
    "course",
    "lecture.mp4",
    HOSTILE_NAME,
    "a name that goes on. ".repeat(12),
  ]),
  "session/doctor": {
    checks: [
      { subject: "firewall", verdict: "bad", finding: "others cannot reach TCP 6881: allow it" },
      { subject: "disk", verdict: "good", finding: "has 40 GiB free" },
    ],
    summary: "Others cannot reach this machine: allow TCP 6881.",
  },
  lookups: nearOf(["lecture.mp4", HOSTILE_NAME, "here already", "a name that goes on. ".repeat(12)]),
};

function room(count: number, torrent: Parameters<typeof torrentState>[1] = {}): Scene {
  const hosts = roomOf(count);
  const state = stateOf(torrentState(1, { room: inNumbers(hosts), ...torrent }));
  return { state, hosts: { [FIRST]: hosts }, parts: PARTS, looks: LOOKS };
}

const done = { state: "seeding", finished: true, have: 1076, missing: 0, downloadRate: 0 } as const;
const hostile = roomOf(8).map((host) => ({
  ...host,
  name: HOSTILE_NAME,
  slow: HOSTILE_NAME,
  client: HOSTILE_NAME,
}));

/** An offer of a lead, with members of the test's choice. */
function offerOf(members: Partial<OfferView>): OfferView {
  const offer = {
    infoHash: FIRST,
    name: "image.vhdx",
    length: 4 * 1024 ** 3,
    files: 1,
    issuedAt: 0,
    expiresAt: 0,
  };
  return { ...offer, lead: "desk", isOwn: false, state: "asked", ...members };
}

const FLEET: FleetView["fleet"] = {
  name: "room 7",
  isLead: true,
  accept: "ask",
  leads: [],
  members: [],
  offers: [
    offerOf({
      isOwn: true,
      state: "offered",
      hosts: [
        { name: "pc-01", state: "accepted" },
        { name: "pc-22", state: "away" },
        { name: "pc-07", state: "full", needs: 4 * 1024 ** 3, has: 1.2 * 1024 ** 3 },
      ],
    }),
    offerOf({ name: HOSTILE_NAME, lead: HOSTILE_NAME, infoHash: "2".repeat(40) }),
    offerOf({ name: "exam.pdf", state: "full", needs: 9e9, has: 1e9, infoHash: "3".repeat(40) }),
  ],
};

/** Members of whom some are away. */
const MEMBERS = Array.from({ length: 30 }, (_, i) => ({
  key: `key ${i}`,
  fingerprint: "one two three four five six",
  name: i === 5 ? HOSTILE_NAME : `pc-${String(i).padStart(2, "0")}`,
  isLead: false,
  isHere: i % 15 !== 2,
  endpoint: `10.0.0.${i + 1}:6881`,
  seenAt: 0,
}));

/** All scenes by name. */
export const SCENES: Readonly<Record<string, Scene>> = {
  empty: { state: stateOf(), looks: LOOKS },
  "empty folder": {
    state: stateOf(),
    looks: { "shares/look": folderOf([]), lookups: nearOf([]) },
  },
  reading: {
    ...room(3, done),
    shares: [{ id: 1, path: `/srv/films/${HOSTILE_NAME}`, done: 340, total: 1_000 }],
  },
  offers: { state: stateOf(), fleet: FLEET },
  alone: {
    state: stateOf(torrentState(1, { ...done, role: "announcer", uploadRate: 0 })),
    hosts: { [FIRST]: roomOf(1) },
    parts: PARTS,
    looks: LOOKS,
  },
  "room of 30": room(30),
  fleet: { ...room(30), fleet: { ...FLEET, members: MEMBERS, offers: [] } },
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
