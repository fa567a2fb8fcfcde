/** The state of the session as JSON: what is shown to programs, and what events tell the changes of. */
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { Session, TorrentSnapshot } from "../../session/session.ts";
import type { Json, JsonObject } from "../merge_patch.ts";

/** A torrent as it was seen last, and its JSON. */
interface Seen {
  readonly snapshot: TorrentSnapshot;
  readonly nextTryAt: number | undefined;
  readonly json: JsonObject;
}

/**
 * Looks at the whole state again and again. A torrent in which nothing has changed is the same object as before, so
 * that 1,000 idle ones cost next to nothing.
 */
export class StateView {
  readonly #session: Session;
  /** Milliseconds since 1970. */
  readonly #now: () => number;
  #seen = new Map<InfoHash, Seen>();

  constructor(session: Session, now: () => number) {
    this.#session = session;
    this.#now = now;
  }

  /** The state at this moment, without the members that name a moment. */
  look(): JsonObject {
    const seen = new Map<InfoHash, Seen>();
    const torrents: Record<string, Json> = {};
    for (const snapshot of this.#session.snapshot()) {
      const room = this.#session.room(snapshot);
      const nextTryAt = nextTryAtOf(snapshot, this.#now());
      const json = this.#summaryOf(snapshot, nextTryAt);
      if (room === undefined) seen.set(snapshot.infoHash, { snapshot, nextTryAt, json });
      torrents[snapshot.infoHash] = room === undefined ? json : { ...json, room: jsonOf(room) };
    }
    this.#seen = seen;
    return { process: processOf(this.#session), torrents };
  }

  #summaryOf(snapshot: TorrentSnapshot, nextTryAt: number | undefined): JsonObject {
    const before = this.#seen.get(snapshot.infoHash);
    const isKnown = before !== undefined && before.nextTryAt === nextTryAt &&
      isSame(before.snapshot, snapshot);
    return isKnown ? before.json : summaryJson(snapshot, nextTryAt);
  }
}

/** Whether two snapshots are sure to have the same JSON but for the time of the next try. */
function isSame(before: TorrentSnapshot, after: TorrentSnapshot): boolean {
  if (before === after) return true;
  for (const name in after) {
    if (name === "peers" || name === "waiting") continue;
    const member = name as keyof TorrentSnapshot;
    if (before[member] !== after[member]) return false;
  }
  return before.waiting?.reason === after.waiting?.reason;
}

/** When the program tries again, to the second, so that a moment that stays the same is no change: both in ms since 1970. */
function nextTryAtOf({ waiting }: TorrentSnapshot, now: number): number | undefined {
  const { nextTryInMs } = waiting ?? {};
  return nextTryInMs === undefined ? undefined : Math.round((now + nextTryInMs) / 1_000) * 1_000;
}

/** The process in the state. */
export function processOf(session: Session): JsonObject {
  const { peerId: _, ...process } = session.process();
  return jsonOf(process);
}

/** A torrent in the state; `now` in ms since 1970. */
export function summaryOf(snapshot: TorrentSnapshot, now: number): JsonObject {
  return summaryJson(snapshot, nextTryAtOf(snapshot, now));
}

function summaryJson(snapshot: TorrentSnapshot, nextTryAt: number | undefined): JsonObject {
  const { peers: _, waiting, ...rest } = snapshot;
  return jsonOf({ ...rest, waiting: waiting && { reason: waiting.reason, nextTryAt } });
}

/**
 * Plain data as JSON: members without a value are left out, rates become whole numbers, "no limit" (`Infinity`) becomes
 * "none", and bytes become base64.
 */
export function jsonOf(data: object): JsonObject {
  const json: Record<string, Json> = {};
  const members = data as Readonly<Record<string, unknown>>;
  for (const name in members) {
    const plain = valueOf(name, members[name]);
    if (plain !== undefined) json[name] = plain;
  }
  return json;
}

function valueOf(name: string, value: unknown): Json | undefined {
  switch (typeof value) {
    case "number":
      if (value === Infinity) return "none";
      if (Number.isNaN(value)) return undefined;
      return Number.isInteger(value) || !name.endsWith("Rate") ? value : Math.round(value);
    case "string":
    case "boolean":
      return value;
    case "object":
      if (value === null) return undefined;
      if (Array.isArray(value)) return value.map((item) => valueOf(name, item) ?? null);
      if (value instanceof Uint16Array) return Array.from(value);
      return value instanceof Uint8Array ? value.toBase64() : jsonOf(value);
  }
}
