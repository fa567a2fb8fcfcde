/**
 * What a peer of our kind tells a tracker of our kind about its machine, beside what BEP 3 has. It travels as further
 * parameters of the announce query, which other trackers would ignore, and which they never get: only a tracker on the
 * local network whose reply names a `report interval` is told.
 */
import { printable } from "./printable.ts";

/** What holds a download up most, as its own machine sees it. */
export type Bottleneck =
  /** Received pieces wait for the disk. */
  | "disk"
  /** The network carries no more, or its senders do not. */
  | "link"
  /** The user's limit is reached. */
  | "limit"
  /** All peers that have what it lacks choke it. */
  | "slots"
  /** No connected peer has what it lacks. */
  | "sources"
  /** The disk is full. */
  | "full";

const BOTTLENECKS: readonly Bottleneck[] = ["disk", "link", "limit", "slots", "sources", "full"];

/** What the machine does with the torrent. */
export type HostActivity = "downloading" | "seeding" | "paused" | "failed" | "checking";

const ACTIVITIES: readonly HostActivity[] = ["downloading", "seeding", "paused", "failed", "checking"];

/** The report of one machine about one torrent. Sizes in bytes, rates in bytes per second. */
export interface HostReport {
  /** The name that its user knows it by. Printable, at most `MAX_NAME_LENGTH` characters. */
  readonly name: string;
  /** Stored bytes of the wanted data. */
  readonly have: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly activity: HostActivity;
  /** Undefined while it wants nothing. */
  readonly bottleneck: Bottleneck | undefined;
}

/** As long as a label of a host name (RFC 1035, 2.3.4). */
export const MAX_NAME_LENGTH = 63;

/** The parameters of a report, in the order in which they are sent. */
export function reportParameters(report: HostReport): [name: string, value: string][] {
  const { name, have, downloadRate, uploadRate, activity, bottleneck } = report;
  return [
    ["host_name", cutName(name)],
    ["host_have", String(Math.round(have))],
    ["host_down", String(Math.round(downloadRate))],
    ["host_up", String(Math.round(uploadRate))],
    ["host_does", activity],
    ...bottleneck === undefined ? [] : [["host_slow", bottleneck] as [string, string]],
  ];
}

/**
 * Reads a report from the parameters of an announce; `textOf` gives a parameter's decoded text, and `numberOf` its whole
 * number. Undefined where there is no report or a part of it makes no sense.
 */
export function readReport(
  textOf: (name: string) => string | undefined,
  numberOf: (name: string) => number | undefined,
): HostReport | undefined {
  const name = textOf("host_name");
  if (name === undefined) return undefined;
  const does = textOf("host_does");
  const activity = ACTIVITIES.find((each) => each === does);
  if (activity === undefined) return undefined;
  const slow = textOf("host_slow");
  return {
    name: cutName(printable(name)),
    have: numberOf("host_have") ?? 0,
    downloadRate: numberOf("host_down") ?? 0,
    uploadRate: numberOf("host_up") ?? 0,
    activity,
    bottleneck: BOTTLENECKS.find((each) => each === slow),
  };
}

/** Cuts a name between characters, never within one. */
function cutName(name: string): string {
  return [...name.trim()].slice(0, MAX_NAME_LENGTH).join("");
}
