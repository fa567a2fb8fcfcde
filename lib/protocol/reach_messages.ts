/**
 * What peers of our kind ask one another to find out how they are reached: `GET /reach?ports=6881,6969&torrent=HASH` at a
 * tracker of our kind makes its machine dial these ports of the asker, and announce the torrent by multicast once more.
 */
import { ProtocolError } from "../errors.ts";
import { decode, dictionaryIn, encode, isDictionary, numberIn } from "./bencode.ts";
import { type InfoHash, parseInfoHash } from "./info_hash.ts";

/** Ports that are dialled for one question. */
const MAX_PORTS = 4;

/** What came of dialling a port: "silent" when nothing came back, as where a firewall drops what is sent. */
export type Reach = "open" | "refused" | "silent";

const REACHES: readonly Reach[] = ["open", "refused", "silent"];

/** A question; an empty list of ports asks for the time alone. */
export interface ReachQuestion {
  /** Each from 1 to 65535. */
  readonly ports: readonly number[];
  /** The torrent to announce by multicast; undefined for none. */
  readonly torrent: InfoHash | undefined;
}

/** An answer. */
export interface ReachAnswer {
  readonly ports: ReadonlyMap<number, Reach>;
  /** Whether the torrent was announced by multicast for this question. */
  readonly isAnnounced: boolean;
  /** The clock of the one who answers, in ms since 1970. */
  readonly time: number;
}

/** The query of a question, without `?`. */
export function encodeReachQuery({ ports, torrent }: ReachQuestion): string {
  return `ports=${ports.join(",")}${torrent === undefined ? "" : `&torrent=${torrent}`}`;
}

/** Reads a query. Errors: `ProtocolError`. */
export function parseReachQuery(query: string): ReachQuestion {
  const members = new URLSearchParams(query);
  const ports = (members.get("ports") ?? "").split(",").filter((text) => text !== "").map((text) =>
    /^\d{1,5}$/.test(text) ? Number(text) : 0
  );
  if (ports.length > MAX_PORTS || ports.some((port) => port < 1 || port > 65535)) {
    throw new ProtocolError(`Expected at most ${MAX_PORTS} ports`);
  }
  return { ports: [...new Set(ports)], torrent: parseInfoHash(members.get("torrent") ?? "") };
}

/** The body of an answer. */
export function encodeReachAnswer({ ports, isAnnounced, time }: ReachAnswer): Uint8Array<ArrayBuffer> {
  const reaches = [...ports].map(([port, reach]) => [port, REACHES.indexOf(reach)]);
  return encode({ announced: Number(isAnnounced), ports: Object.fromEntries(reaches), time });
}

/** Reads an answer; ports that were not asked for are left out. Errors: `ProtocolError`. */
export function parseReachAnswer(body: Uint8Array, asked: readonly number[]): ReachAnswer {
  const value = decode(body);
  const time = isDictionary(value) ? numberIn(value, "time") : undefined;
  if (!isDictionary(value) || time === undefined || time < 0) {
    throw new ProtocolError("Expected an answer with a time");
  }
  const told = dictionaryIn(value, "ports") ?? {};
  const ports = asked.flatMap((port) => {
    const reach = REACHES[numberIn(told, String(port)) ?? -1];
    return reach === undefined ? [] : [[port, reach] as const];
  });
  return { ports: new Map(ports), isAnnounced: numberIn(value, "announced") === 1, time };
}
