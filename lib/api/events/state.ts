/** The state of the session as JSON: what is shown to programs, and what events tell the changes of. */
import type { Session, TorrentSnapshot } from "../../session/session.ts";
import type { Json, JsonObject } from "../merge_patch.ts";

/** The whole state, without the members that name a moment; `now` in ms since 1970. */
export function stateOf(session: Session, now: number): JsonObject {
  const torrents = session.snapshot().map((snapshot) => [
    snapshot.infoHash,
    { ...summaryOf(snapshot, now), ...roomIn(session, snapshot) },
  ]);
  return { process: processOf(session), torrents: Object.fromEntries(torrents) };
}

function roomIn(session: Session, snapshot: TorrentSnapshot): { room?: JsonObject } {
  const room = session.room(snapshot);
  return room === undefined ? {} : { room: jsonOf(room) };
}

/** The process in the state. */
export function processOf(session: Session): JsonObject {
  const { peerId: _, ...process } = session.process();
  return jsonOf(process);
}

/** A torrent in the state; `now` in ms since 1970. */
export function summaryOf(snapshot: TorrentSnapshot, now: number): JsonObject {
  const { peers: _, waiting, ...rest } = snapshot;
  const { reason, nextTryInMs } = waiting ?? {};
  // To the second, so that a moment that stays the same is no change.
  const nextTryAt = nextTryInMs === undefined ? undefined : Math.round((now + nextTryInMs) / 1_000) * 1_000;
  return jsonOf({ ...rest, waiting: waiting && { reason, nextTryAt } });
}

/**
 * Plain data as JSON: members without a value are left out, rates become whole numbers, "no limit" (`Infinity`) becomes
 * "none", and bytes become base64.
 */
export function jsonOf(data: object): JsonObject {
  const json: Record<string, Json> = {};
  for (const [name, value] of Object.entries(data)) {
    const plain = valueOf(name, value);
    if (plain !== undefined) json[name] = plain;
  }
  return json;
}

function valueOf(name: string, value: unknown): Json | undefined {
  switch (typeof value) {
    case "number":
      if (value === Infinity) return "none";
      if (Number.isNaN(value)) return undefined;
      return name.endsWith("Rate") ? Math.round(value) : value;
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
