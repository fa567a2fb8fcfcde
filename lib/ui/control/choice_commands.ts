/** `peer limit` and `peer select`: choices for the running process and for its torrents, which are kept. */
import { printable } from "../../log.ts";
import { formatSchedule } from "../definitions/schedule_text.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { formatDuration, formatRate } from "../number_format.ts";
import { ALL, namedTorrents } from "./named_torrents.ts";
import { report } from "./order_commands.ts";
import { type Page, pageHere, printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { Choices } from "../../api/shapes.ts";
import { type Column, tableLines } from "./table.ts";

type Choice = Choices[keyof Choices];

/** Options of `limit`: a value, "none" for no limit, or null to return to the value for all or to the default. */
interface LimitOptions extends RemoteOptions, Choices {}

/** Chooses for the torrents that the words name, or without words for the process; without choices, shows them. */
export async function limit(
  remote: Remote,
  words: readonly string[],
  { json, home: _, ...choices }: LimitOptions,
): Promise<ExitCode> {
  const isProcess = words.length === 0;
  const isChoosing = Object.keys(choices).length > 0;
  const torrents = isProcess ? [] : namedTorrents(words, await torrentsOf(remote));
  if (isChoosing) {
    if (isProcess) await remote.post("/session/choose", choices);
    else if (words.includes(ALL)) await remote.post(`/torrents/${ALL}/choose`, choices);
    else for (const { infoHash } of torrents) await remote.post(`/torrents/${infoHash}/choose`, choices);
    if (!isProcess) {
      report(torrents, "chosen, and kept", json);
      return EXIT.ok;
    }
  }
  const shown = isProcess
    ? [{ name: "", choices: await choicesAt(remote, "/session") }]
    : await Promise.all(torrents.map(async ({ infoHash, name }) => ({
      name,
      choices: await choicesAt(remote, `/torrents/${infoHash}`),
    })));
  printResult(
    json,
    isProcess ? shown[0].choices : shown,
    () => shown.flatMap(({ name, choices }) => choiceLines(name, choices, pageHere())),
  );
  return EXIT.ok;
}

/** The choices made for the process, or for a torrent. */
async function choicesAt(remote: Remote, path: string): Promise<Choices> {
  return (await remote.get(path) as { readonly choices?: Choices }).choices ?? {};
}

/** The choices made, one in a line; `name` is that of a torrent, or empty for the process. */
function choiceLines(name: string, choices: Choices, page: Page): string[] {
  const order = Object.keys(CHOICE_TEXTS);
  const made = (Object.entries(choices) as [keyof Choices, Choice][])
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const title = name === "" ? [] : [page.paint(printable(name), "bold")];
  if (made.length === 0) {
    return [
      ...title,
      name === "" ? "nothing chosen: the defaults hold" : "nothing chosen: that of the process holds",
    ];
  }
  return [...title, ...tableLines(CHOICE_COLUMNS, made, page)];
}

const CHOICE_COLUMNS: readonly Column<[keyof Choices, Choice]>[] = [
  { title: "CHOICE", text: ([name]) => CHOICE_TEXTS[name]?.[0] ?? name, rank: 0 },
  { title: "VALUE", text: ([name, value]) => valueText(name, value), rank: 1, isElastic: true },
];

type Unit = "rate" | "duration" | "plain";

/** What each choice is called, and in which unit it is shown. */
const CHOICE_TEXTS: Readonly<Partial<Record<keyof Choices, readonly [title: string, unit: Unit]>>> = {
  maxDownload: ["--down", "rate"],
  maxUpload: ["--up", "rate"],
  uploadSlots: ["--slots", "plain"],
  downloadSources: ["--sources", "plain"],
  rechokeMs: ["--rechoke", "duration"],
  superSeeds: ["--super-seed", "plain"],
  peerExchange: ["--pex", "plain"],
  seedRatio: ["--seed-ratio", "plain"],
  seedTimeMs: ["--seed-time", "duration"],
  maxActive: ["--max-active", "plain"],
  altIsOn: ["--alt", "plain"],
  altMaxDownload: ["--alt-down", "rate"],
  altMaxUpload: ["--alt-up", "rate"],
  altSchedule: ["--alt-schedule", "plain"],
};

function valueText(name: keyof Choices, value: Choice): string {
  const unit = CHOICE_TEXTS[name]?.[1] ?? "plain";
  if (typeof value === "number" && unit === "rate") return formatRate(value);
  if (typeof value === "number" && unit === "duration") return formatDuration(value / 1000);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" && value !== null ? formatSchedule(value) : String(value);
}

/** Options of `select`. */
interface SelectOptions extends RemoteOptions {
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly first?: readonly string[];
  readonly sequential?: boolean;
}

/** Chooses which files of the named torrents are fetched. Errors: `Failure` where nothing is chosen. */
export async function select(
  remote: Remote,
  words: readonly string[],
  { only, skip, first, sequential, json }: SelectOptions,
): Promise<ExitCode> {
  const wishes = { only, skip, first, sequential };
  if (Object.values(wishes).every((wish) => wish === undefined)) {
    const why = "Expected --only, --skip, --first, --sequential or --no-sequential, got none; " +
      "--only '*' wants every file";
    throw new Failure(EXIT.usage, "select", why);
  }
  const torrents = namedTorrents(words, await torrentsOf(remote));
  for (const { infoHash } of torrents) await remote.post(`/torrents/${infoHash}/select`, wishes);
  report(torrents, "selected, and kept", json);
  return EXIT.ok;
}
