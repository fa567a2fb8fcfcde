/** The options of `limit`, and the choices of a running process that they make. */
import type { WeeklySpan } from "../../session/session.ts";
import { oneOf, parseCount, parseInterval, parseRate, parseRatio } from "../option_values.ts";
import { parseSchedule } from "./schedule_text.ts";

/** An option that makes a choice. */
interface LimitOption {
  readonly flags: string;
  readonly description: string;
  /** The name that commander gives its value. */
  readonly attribute: string;
  /** The name of the choice for the process. */
  readonly choice: string;
  /** Makes a value, "none" for no limit, or "default" to take a choice back. Errors: `RangeError`. */
  readonly parse: (text: string) => number | boolean | string | WeeklySpan;
}

/** Adds the words `default` and, for limits that there need not be, `none` to a parser. */
function choosing<Value>(
  parse: (text: string) => Value,
  { mayBeNone = false }: { readonly mayBeNone?: boolean } = {},
): (text: string) => Value | "none" | "default" {
  return (text) => text === "default" || (mayBeNone && text === "none") ? text : parse(text);
}

const parseSwitch = (text: string): boolean => oneOf(["yes", "no"])(text) === "yes";

/** All options of `limit`. */
export const LIMITS: readonly LimitOption[] = [
  {
    flags: "--down <RATE>",
    description: "bytes per second, such as 500K or 1.5MiB; none for no limit",
    attribute: "down",
    choice: "maxDownload",
    parse: choosing(parseRate, { mayBeNone: true }),
  },
  {
    flags: "--up <RATE>",
    description: "the same for uploading",
    attribute: "up",
    choice: "maxUpload",
    parse: choosing(parseRate, { mayBeNone: true }),
  },
  {
    flags: "--slots <N>",
    description: "peers uploaded to at once",
    attribute: "slots",
    choice: "uploadSlots",
    parse: choosing(parseCount),
  },
  {
    flags: "--sources <N>",
    description: "peers downloaded from at once",
    attribute: "sources",
    choice: "downloadSources",
    parse: choosing(parseCount),
  },
  {
    flags: "--rechoke <SECONDS>",
    description: "how often both are chosen anew",
    attribute: "rechoke",
    choice: "rechokeMs",
    parse: choosing(parseInterval),
  },
  {
    flags: "--super-seed <yes|no>",
    description: "as first seeder, give each piece to one peer",
    attribute: "superSeed",
    choice: "superSeeds",
    parse: choosing(parseSwitch),
  },
  {
    flags: "--pex <yes|no>",
    description: "exchange peers with other peers",
    attribute: "pex",
    choice: "peerExchange",
    parse: choosing(parseSwitch),
  },
  {
    flags: "--seed-ratio <RATIO>",
    description: "pause a finished torrent that has sent so many times what it received",
    attribute: "seedRatio",
    choice: "seedRatio",
    parse: choosing(parseRatio, { mayBeNone: true }),
  },
  {
    flags: "--seed-time <SECONDS>",
    description: "pause a finished torrent after this time of seeding",
    attribute: "seedTime",
    choice: "seedTimeMs",
    parse: choosing(parseInterval, { mayBeNone: true }),
  },
  {
    flags: "--max-active <N>",
    description: "torrents that are fetched at once; of the whole process",
    attribute: "maxActive",
    choice: "maxActive",
    parse: choosing(parseCount, { mayBeNone: true }),
  },
  {
    flags: "--alt <yes|no>",
    description: "turn the alternative limits of the process on or off",
    attribute: "alt",
    choice: "altIsOn",
    parse: choosing(parseSwitch),
  },
  {
    flags: "--alt-down <RATE>",
    description: "the download limit while they are on",
    attribute: "altDown",
    choice: "altMaxDownload",
    parse: choosing(parseRate, { mayBeNone: true }),
  },
  {
    flags: "--alt-up <RATE>",
    description: "the upload limit while they are on",
    attribute: "altUp",
    choice: "altMaxUpload",
    parse: choosing(parseRate, { mayBeNone: true }),
  },
  {
    flags: "--alt-schedule <HOURS>",
    description: "when they are on by themselves: 22:00-06:00, or 'mon-fri 08:00-17:00'; none",
    attribute: "altSchedule",
    choice: "altSchedule",
    parse: choosing(parseSchedule),
  },
];
