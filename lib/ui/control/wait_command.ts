/** `peer wait`: returns when this machine, or so many machines of the room, have a torrent. For scripts. */
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { formatDuration, percentOfPart } from "../number_format.ts";
import { hasIt, urgencyOf } from "../progress/room_text.ts";
import { namedTorrent } from "./named_torrents.ts";
import { printResult, type Remote, type RemoteOptions, torrentsOf } from "./remote.ts";
import type { HostView } from "../../api/shapes.ts";

/** Machines that a failure names; there may be hundreds more. */
const MAX_NAMED = 20;

/** Options of `wait`. */
interface WaitOptions extends RemoteOptions {
  /** How many machines are to have it, this one among them; without it, this machine alone. */
  readonly hosts?: number;
  /** Milliseconds; without it, as long as it takes. */
  readonly timeout?: number;
}

/**
 * Waits until enough machines have a torrent. It looks whenever the process tells of a change.
 *
 * Errors: `Failure` that names those that have it not, when the time is over; and one with the reason when this machine
 * waits for itself and the torrent has failed.
 */
export async function wait(remote: Remote, word: string, options: WaitOptions): Promise<ExitCode> {
  const { infoHash, name } = namedTorrent(word, await torrentsOf(remote));
  const { hosts: wanted, timeout, json } = options;
  const isOver = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
  let seen: readonly HostView[] = [];
  try {
    for await (const _change of remote.events(undefined, isOver)) {
      seen = await hostsOf(remote, infoHash);
      if (isEnough(seen, wanted)) {
        printResult(json, seen, () => [`${name}: ${enoughText(seen, wanted)}`]);
        return EXIT.ok;
      }
      if (wanted === undefined) await failIfFailed(remote, seen, infoHash);
    }
  } catch (error) {
    if (!isOver?.aborted) throw error;
    if (json) printResult(json, seen, () => []);
    throw new Failure(
      EXIT.failed,
      name,
      `after ${formatDuration(timeout! / 1_000)} ${lackText(seen, wanted)}`,
    );
  }
  throw new TypeError("Expected the events of the peer, got their end");
}

async function hostsOf(remote: Remote, infoHash: string): Promise<HostView[]> {
  return (await remote.get(`/torrents/${infoHash}/hosts`) as { hosts: HostView[] }).hosts;
}

function isEnough(hosts: readonly HostView[], wanted: number | undefined): boolean {
  const done = hosts.filter(hasIt);
  return wanted === undefined ? done.some(({ isSelf }) => isSelf) : done.length >= wanted;
}

function enoughText(hosts: readonly HostView[], wanted: number | undefined): string {
  return wanted === undefined ? "complete" : `${countText(hosts.filter(hasIt).length)} it`;
}

function countText(count: number): string {
  return count === 1 ? "1 host has" : `${count} hosts have`;
}

/** Errors: `Failure` with the reason when this machine's torrent has failed. */
async function failIfFailed(remote: Remote, hosts: readonly HostView[], infoHash: string): Promise<void> {
  if (!hosts.some(({ isSelf, state }) => isSelf && state === "failed")) return;
  const { name, failure } = namedTorrent(infoHash, await torrentsOf(remote));
  if (failure !== undefined) throw new Failure(EXIT.failed, name, failure);
}

/** Names the machines that do not have it. */
export function lackText(hosts: readonly HostView[], wanted: number | undefined): string {
  if (wanted === undefined) {
    const self = hosts.find(({ isSelf }) => isSelf);
    return self === undefined ? "not complete" : `not complete (${howFar(self)})`;
  }
  const lacking = hosts.filter((host) => !hasIt(host)).sort((a, b) => urgencyOf(a) - urgencyOf(b));
  const names = lacking.slice(0, MAX_NAMED).map((host) => `${host.name ?? host.endpoint} (${howFar(host)})`);
  if (lacking.length > MAX_NAMED) names.push(`${lacking.length - MAX_NAMED} more`);
  const unknown = wanted - hosts.length;
  if (unknown > 0) names.push(`${unknown} of which nothing is known`);
  return `${hosts.filter(hasIt).length} of ${wanted} hosts have it; not yet: ${names.join(", ")}`;
}

/** `52%`, `30%, gone`, `71%, its disk is full`. */
function howFar({ part, state, slow }: HostView): string {
  const percent = part === undefined ? [] : [`${percentOfPart(part)}%`];
  const why = slow ?? (state === "downloading" && part !== undefined ? undefined : state);
  return [...percent, ...(why === undefined ? [] : [why])].join(", ");
}
