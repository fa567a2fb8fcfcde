import type { RpcContext } from "../call.ts";
import type { JsonObject } from "../json.ts";
import { bytesPerSecond, changedLimit } from "../limits.ts";
import { invalid, type Params } from "../params.ts";
import type { Changes, Choices, WeeklySpan } from "../../../session/session.ts";
import { BYTES_PER_KB } from "../fields/sizes.ts";

const MINUTES_OF_A_DAY = 24 * 60;
const ALL_DAYS = 127;
/** The schedule of Transmission before anybody chooses: from 8 to 17 o'clock on every day. */
const USUAL_SCHEDULE: WeeklySpan = { fromMinute: 8 * 60, toMinute: 17 * 60, days: ALL_DAYS };

/**
 * The method `session_set`: limits, alternative limits and their schedule, the goal of seeding, the queue, and the
 * exchange of peers. Clients send all their settings at once, so those that we do not have are taken and forgotten.
 */
export async function sessionSet(params: Params, context: RpcContext): Promise<JsonObject> {
  const choices = choicesIn(params, context);
  if (Object.keys(choices).length > 0) await context.session.choose(choices);
  return {};
}

function choicesIn(params: Params, context: RpcContext): Changes {
  const { session, limits } = context;
  const present = session.choices();
  const limit = (number: string, isOn: string, value: number | undefined, unit = 1) =>
    changedLimit(params, { number, isOn }, (value ?? Infinity) / unit, limits);
  const download = limit("speed_limit_down", "speed_limit_down_enabled", present.maxDownload, BYTES_PER_KB);
  const upload = limit("speed_limit_up", "speed_limit_up_enabled", present.maxUpload, BYTES_PER_KB);
  const seedRatio = limit("seed_ratio_limit", "seed_ratio_limited", present.seedRatio);
  const maxActive = limit("download_queue_size", "download_queue_enabled", present.maxActive);
  const peerExchange = params.flag("pex_enabled");
  return {
    ...download !== undefined && { maxDownload: bytesPerSecond(download) },
    ...upload !== undefined && { maxUpload: bytesPerSecond(upload) },
    ...seedRatio !== undefined && { seedRatio },
    ...maxActive !== undefined && { maxActive: Math.max(1, Math.round(maxActive)) },
    ...peerExchange !== undefined && { peerExchange },
    ...alternativeIn(params, context),
  };
}

function alternativeIn(params: Params, { session }: RpcContext): Changes {
  const download = params.amount("alt_speed_down");
  const upload = params.amount("alt_speed_up");
  const isOn = params.flag("alt_speed_enabled");
  const schedule = scheduleIn(params, session.choices().altSchedule);
  return {
    ...download !== undefined && { altMaxDownload: bytesPerSecond(download) },
    ...upload !== undefined && { altMaxUpload: bytesPerSecond(upload) },
    ...isOn !== undefined && { altIsOn: isOn },
    ...schedule !== undefined && { altSchedule: schedule },
  };
}

/** The schedule of the alternative limits after a request; undefined where it says nothing about it. */
function scheduleIn(
  params: Params,
  present: Choices["altSchedule"] | undefined,
): Choices["altSchedule"] | undefined {
  const isOn = params.flag("alt_speed_time_enabled");
  const fromMinute = wholeBelow(params, "alt_speed_time_begin", MINUTES_OF_A_DAY);
  const toMinute = wholeBelow(params, "alt_speed_time_end", MINUTES_OF_A_DAY);
  const days = wholeBelow(params, "alt_speed_time_day", ALL_DAYS + 1);
  if ((isOn ?? fromMinute ?? toMinute ?? days) === undefined) return undefined;
  const before = present === undefined || present === "none" ? undefined : present;
  if (!(isOn ?? before !== undefined)) return "none";
  const { fromMinute: from, toMinute: to, days: on } = before ?? USUAL_SCHEDULE;
  return { fromMinute: fromMinute ?? from, toMinute: toMinute ?? to, days: days ?? on };
}

function wholeBelow(params: Params, name: string, end: number): number | undefined {
  const value = params.amount(name);
  if (value === undefined || (Number.isInteger(value) && value < end)) return value;
  throw invalid(`a whole number below ${end} as ${name}`, value);
}
