/** `peer doctor`: what is wrong with this machine or a torrent, and what to do. */
import { execPath } from "node:process";
import { EXIT, type ExitCode } from "../failure.ts";
import { firewallLines } from "../service/firewall.ts";
import { wrapToWidth } from "../text_format.ts";
import { namedTorrent } from "./named_torrents.ts";
import type { Style } from "./paint.ts";
import { type Page, pageHere, printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { Examination } from "../../api/shapes.ts";

/** The most lines of one finding. */
const MAX_LINES = 6;

const SIGNS: Readonly<Record<string, readonly [sign: string, style: Style]>> = {
  good: ["ok ", "green"],
  bad: ["BAD", "red"],
  unknown: ["?  ", "dim"],
};

/** Examines the machine, and one torrent or all; exit code 1 where anything is wrong. */
export async function doctor(
  remote: Remote,
  word: string | undefined,
  { json }: RemoteOptions,
): Promise<ExitCode> {
  const torrent = word === undefined ? undefined : namedTorrent(word, await torrentsOf(remote)).infoHash;
  const examination = await remote.post(
    "/session/doctor",
    torrent === undefined ? {} : { torrent },
  ) as Examination;
  printResult(
    json,
    examination,
    () => examinationLines(examination, pageHere(), Deno.build.os, execPath),
  );
  return examination.checks.some(({ verdict }) => verdict === "bad") ? EXIT.failed : EXIT.ok;
}

/** A line for each check, then the sentence about all, and the commands that open a firewall where one is in the way. */
export function examinationLines(
  { checks, summary }: Examination,
  { width, paint }: Page,
  os: typeof Deno.build.os,
  program: string,
): string[] {
  const subjects = Math.max(...checks.map(({ subject }) => subject.length));
  const indent = " ".repeat(SIGNS.bad[0].length + subjects + 4);
  const lines = checks.flatMap(({ subject, verdict, finding }) => {
    const [sign, style] = SIGNS[verdict];
    const [first, ...rest] = wrapToWidth(finding, Math.max(20, width - indent.length), MAX_LINES);
    return [
      `${paint(sign, style)}  ${subject.padEnd(subjects)}  ${first}`,
      ...rest.map((line) => indent + line),
    ];
  });
  const blocked = checks.flatMap(({ blocked }) => blocked ?? []);
  const ports = {
    tcp: [...new Set(blocked.flatMap(({ tcp }) => tcp))],
    udp: [...new Set(blocked.flatMap(({ udp }) => udp))],
  };
  const commands = blocked.length === 0 ? [] : firewallLines(os, ports, program).map((line) => `  ${line}`);
  return [...lines, "", paint(summary, "bold"), ...commands];
}
