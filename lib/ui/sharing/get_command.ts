/** `peer get`: gets what somebody near by shares, by its code or out of a list. */
import { messageOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import type { ShareQuestion, SharesFound } from "../../session/session.ts";
import { readShareCode } from "../../session/torrent_tools.ts";
import { follow, type Following, warnOfIgnored } from "../control/hand_over.ts";
import { pageHere, printResult, stateOf } from "../control/remote.ts";
import { type Column, tableLines } from "../control/table.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { formatBytes } from "../number_format.ts";
import { printLine } from "../output.ts";
import { placesOf, run, type StartOptions, type StartWords } from "../start_command.ts";
import { type Keyboard, keyboardHere } from "./keyboard.ts";
import { OwnPeer, type PeerHere, RunningPeer } from "./peer_here.ts";

/** Options of `get` beside those of `start`. */
interface GetOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
  /** Peers to ask beside those near by, `HOST:PORT` each. */
  readonly peer?: readonly string[];
  /** The folder for the data. */
  readonly output?: string;
  /** Old data in which its pieces are looked for. */
  readonly reuse?: readonly string[];
}

type Share = SharesFound["shares"][number];

/** A share that the user has chosen, and has begun to get. */
type Chosen = Pick<Share, "infoHash" | "name"> & { readonly isNew: boolean };

/** Gets what the words of a code name; without words, shows what is shared near by. Errors: `Failure`. */
export async function get(
  codeWords: readonly string[],
  options: GetOptions,
  words: StartWords,
): Promise<ExitCode> {
  const code = codeWords.length === 0 ? undefined : readCode(codeWords);
  const isTerminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  if (code !== undefined && !options.yes && !options.json && !isTerminal) {
    throw new Failure(EXIT.usage, "get", "Expected --yes, or a terminal on which to ask, got neither");
  }
  const keyboard = isTerminal && !options.json ? keyboardHere() : undefined;
  // A list on standard output has nothing else beside it.
  const isListOnly = options.json || (code === undefined && !isTerminal);
  const shown = isListOnly
    ? { ...words, commandLine: { ...words.commandLine, progress: "none" as const } }
    : words;
  return await run(shown, {
    handOver: async (remote, following) => {
      const chosen = await choose(code, options, new RunningPeer(remote), keyboard, following.stop);
      if (chosen === undefined) return EXIT.ok;
      const { process: { pid } } = await stateOf(remote);
      warnOfIgnored(following, pid);
      following.view.event({ event: "handed-over", ...chosen, home: following.home, pid });
      await follow(remote, [chosen], pid, following);
      return EXIT.ok;
    },
    begin: async (session, _options: StartOptions, { stop }: Following) => {
      const chosen = await choose(code, options, new OwnPeer(session), keyboard, stop);
      return chosen === undefined ? "over" : undefined;
    },
  });
}

/** The code that words say. Errors: `Failure` that names a word which is none, and the nearest one. */
function readCode(words: readonly string[]): string {
  try {
    return readShareCode(words.join(" ")).text;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Failure(EXIT.usage, words.join(" "), error.message, { cause: error });
  }
}

/** Finds, asks and begins; undefined where the user gets nothing, or only wanted to see the list. Errors: `Failure`. */
async function choose(
  code: string | undefined,
  options: GetOptions,
  peer: PeerHere,
  keyboard: Keyboard | undefined,
  stop: AbortSignal,
): Promise<Chosen | undefined> {
  const what = code ?? "get";
  try {
    if (options.json) {
      const question = code === undefined ? {} : { code };
      printResult(true, await lookUp(question, options, peer, keyboard, stop), () => []);
      return undefined;
    }
    const share = code === undefined
      ? await pickNear(options, peer, keyboard, stop)
      : await findByCode(code, options, peer, keyboard, stop);
    if (share === undefined || !options.yes && !share.isHere && !await agrees(share, keyboard!, stop)) return;
    const { magnet, isListed, hosts, name, infoHash } = share;
    const isNew = await peer.add({
      magnet,
      isListed,
      peers: hosts.map(({ endpoint }) => endpoint),
      ...placesOf(options),
    });
    return { infoHash, name, isNew };
  } catch (error) {
    if (stop.aborted) return undefined;
    if (error instanceof Failure) throw error;
    throw new Failure(EXIT.failed, what, messageOf(error), { cause: error });
  }
}

/** The torrent of a code; where several have it, the user picks. Errors: `Failure` where nobody answers. */
async function findByCode(
  code: string,
  options: GetOptions,
  peer: PeerHere,
  keyboard: Keyboard | undefined,
  stop: AbortSignal,
): Promise<Share | undefined> {
  const found = await lookUp({ code }, options, peer, keyboard, stop);
  const [share, ...others] = found.shares;
  if (share === undefined) throw new Failure(EXIT.failed, code, nobodyText(found));
  if (others.length === 0) return share;
  showShares(found.shares, "strongCode");
  if (keyboard !== undefined && !options.yes) return await pickOf(found.shares, keyboard, stop);
  throw new Failure(
    EXIT.failed,
    code,
    `${found.shares.length} torrents have this code; name one by its six words`,
  );
}

/** Shows what is shared near by; on a terminal, the user picks. */
async function pickNear(
  options: GetOptions,
  peer: PeerHere,
  keyboard: Keyboard | undefined,
  stop: AbortSignal,
): Promise<Share | undefined> {
  const found = await lookUp({}, options, peer, keyboard, stop);
  if (found.shares.length === 0) throw new Failure(EXIT.failed, "get", nobodyText(found));
  showShares(found.shares, "code");
  const picked = keyboard && await pickOf(found.shares, keyboard, stop);
  // A host only says what it shares: name and size are verified before the user is asked.
  return picked && await findByCode(picked.strongCode, options, peer, keyboard, stop);
}

async function lookUp(
  { code }: ShareQuestion,
  { peer: peers }: GetOptions,
  peer: PeerHere,
  keyboard: Keyboard | undefined,
  stop: AbortSignal,
): Promise<SharesFound> {
  keyboard?.say(code === undefined ? "asking the hosts near by …" : `asking for ${code} …`);
  const question = {
    ...code === undefined ? {} : { code },
    ...peers === undefined ? {} : { peers: [...peers] },
  };
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(stop.reason);
  stop.addEventListener("abort", end);
  try {
    return await Promise.race([peer.lookUp(question), ended.promise]);
  } finally {
    stop.removeEventListener("abort", end);
  }
}

/** Why nothing was found, and what to look at. */
function nobodyText({ hosts, refused }: SharesFound): string {
  if (refused > 0) return "hosts answered, but none has data that matches; ask for the code again";
  if (hosts > 0) return "hosts answered, and none shares anything";
  return "nobody near by answers: is the peer that has it running, in the same network, and does its firewall let in " +
    "TCP 6881 and UDP 6771? Through a router, name it: --peer HOST";
}

const COLUMNS: readonly Column<{ share: Share; number: number; code: string }>[] = [
  { title: "#", text: ({ number }) => String(number), isNumber: true, rank: 0 },
  { title: "NAME", text: ({ share }) => share.name, isElastic: true, rank: 0 },
  { title: "SIZE", text: ({ share }) => formatBytes(share.length), isNumber: true, rank: 1 },
  { title: "FILES", text: ({ share }) => String(share.files), isNumber: true, rank: 4 },
  { title: "CODE", text: ({ code }) => code, rank: 2 },
  { title: "FROM", text: ({ share }) => hostsText(share), rank: 3 },
];

function showShares(shares: readonly Share[], code: "code" | "strongCode"): void {
  const rows = shares.map((share, position) => ({ share, number: position + 1, code: share[code] }));
  for (const line of tableLines(COLUMNS, rows, pageHere())) printLine(line);
}

function hostsText({ hosts: [first, ...others], isHere }: Share): string {
  if (first === undefined) return isHere ? "this machine" : "";
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${first.name}${more}`;
}

/** Lets the user pick by number; undefined for an empty line. */
async function pickOf(
  shares: readonly Share[],
  keyboard: Keyboard,
  stop: AbortSignal,
): Promise<Share | undefined> {
  while (true) {
    const answer = await keyboard.ask(`Which one (1 to ${shares.length}, Enter for none)? `, stop);
    if (answer === "") return undefined;
    const share = /^\d+$/.test(answer) ? shares[Number(answer) - 1] : undefined;
    if (share !== undefined) return share;
  }
}

/** Asks whether to get it, and says which host has answered. */
async function agrees(share: Share, keyboard: Keyboard, stop: AbortSignal): Promise<boolean> {
  const { name, length, files, hosts: [first] } = share;
  const what = `${name} · ${formatBytes(length)} · ${files} file${files === 1 ? "" : "s"}`;
  const from = first === undefined ? "" : ` · from ${hostsText(share)} (${first.endpoint})`;
  keyboard.say(printable(`${what}${from}`));
  const answer = await keyboard.ask("Get it (Y/n)? ", stop);
  return /^(y|yes|)$/i.test(answer);
}
