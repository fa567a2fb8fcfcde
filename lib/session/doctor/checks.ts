/** The checks of `peer doctor`: from what was found out to one true sentence each, and what to do. Pure. */
import type { Reach } from "../../protocol/reach_messages.ts";
import { DOCTOR } from "../../settings.ts";

/** "unknown" where nobody could be asked, or where it does not concern this machine. */
type Verdict = "good" | "bad" | "unknown";

/** Ports that a firewall must let through. */
interface BlockedPorts {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

/** One check. */
interface Check {
  /** What was looked at, in a word or two. */
  readonly subject: string;
  readonly verdict: Verdict;
  /** A sentence without its end: what was found and, where it is bad, what to do. */
  readonly finding: string;
  /** The ports to let through, where a firewall is in the way. */
  readonly blocked?: BlockedPorts;
}

/** All checks, and the one sentence that they come to. */
export interface Examination {
  readonly checks: readonly Check[];
  readonly summary: string;
}

/** The answer of another machine that was asked how it reaches this one. */
export interface Answer {
  readonly address: string;
  readonly ports: ReadonlyMap<number, Reach>;
  readonly isAnnounced: boolean;
  /** How far its clock is ahead of ours, in ms. */
  readonly aheadMs: number;
}

/** A tracker of a torrent. */
export interface TrackerFact {
  /** Its host, with its port where the URL names one. */
  readonly host: string;
  readonly port: number;
  readonly isOwn: boolean;
  /** Whether its host is this machine. */
  readonly isHere: boolean;
  readonly state: "idle" | "announcing" | "ok" | "failed" | "not asked";
  readonly seeders: number | undefined;
  readonly leechers: number | undefined;
  /** Why the last announce failed, in words for people. */
  readonly failure: string | undefined;
}

/** A torrent. */
export interface TorrentFact {
  readonly name: string;
  readonly isFinished: boolean;
  readonly failure: string | undefined;
  readonly isAnnouncer: boolean;
  readonly trackers: readonly TrackerFact[];
  /** Trackers that stand in, `host:port` each. */
  readonly standIns: readonly string[];
  readonly connections: number;
  readonly known: number;
  /** Pieces that are wanted and lacking, and those among them that no connected peer has. */
  readonly lacking: number;
  readonly nowhere: number;
  /** Endpoints that two machines claim, `host:port` each. */
  readonly doubles: readonly string[];
}

/** A folder that data is written to. Sizes in bytes; undefined where the system does not tell. */
export interface DiskFact {
  readonly folder: string;
  readonly free: number | undefined;
  /** Bytes that are still to come. */
  readonly needed: number;
  /** Bytes written in a second. */
  readonly rate: number | undefined;
  /** Why nothing could be written. */
  readonly failure: string | undefined;
}

/** All that was found out. */
export interface Facts {
  readonly machine: string;
  /** Addresses that others on the LAN reach, the best first, each with its interface where that is known. */
  readonly addresses: readonly { readonly address: string; readonly name: string | undefined }[];
  readonly port: number;
  /** Undefined where no tracker runs. */
  readonly trackerPort: number | undefined;
  /** How many other machines were asked, and the answers. */
  readonly asked: number;
  readonly answers: readonly Answer[];
  readonly multicast: {
    readonly isOn: boolean;
    /** Machines heard since the others were asked, and earlier in this run. */
    readonly heardNow: readonly string[];
    readonly heardBefore: readonly string[];
  };
  readonly disk: DiskFact;
  /** Whether more connections and files can be opened. */
  readonly hasDescriptors: boolean;
  readonly torrents: readonly TorrentFact[];
}

/** Judges the facts. */
export function examine(facts: Facts): Examination {
  const checks = [
    addresses(facts),
    reached(facts, "peer port", facts.port),
    facts.trackerPort === undefined
      ? good("tracker port", "no tracker runs here (--no-tracker)")
      : reached(facts, "tracker port", facts.trackerPort),
    multicast(facts),
    clock(facts),
    disk(facts.disk),
    facts.hasDescriptors ? good("open files", `${DOCTOR.moreFiles} more files could be opened`) : bad(
      "open files",
      "no more files can be opened: raise the limit, as with ulimit -n 4096, and start again",
    ),
    ...facts.torrents.flatMap((torrent) => torrentChecks(torrent, facts)),
  ];
  return { checks, summary: summaryOf(facts.machine, checks) };
}

function good(subject: string, finding: string): Check {
  return { subject, verdict: "good", finding };
}

function bad(subject: string, finding: string): Check {
  return { subject, verdict: "bad", finding };
}

function unknown(subject: string, finding: string): Check {
  return { subject, verdict: "unknown", finding };
}

function addresses({ addresses }: Facts): Check {
  const subject = "addresses";
  if (addresses.length === 0) {
    return bad(subject, "this machine has no address that others could reach: is its network on?");
  }
  return good(
    subject,
    addresses.map(({ address, name }) => name ? `${address} (${name})` : address).join(", "),
  );
}

/** Whether others reach a port of this machine. One that gets through is enough. */
function reached({ answers, asked }: Facts, subject: string, port: number): Check {
  const tried = answers.flatMap(({ address, ports }) => {
    const reach = ports.get(port);
    return reach === undefined ? [] : [{ address, reach }];
  });
  if (tried.length === 0) return unknown(subject, `${port}: ${nobodyText(asked)}`);
  const from = (list: readonly { address: string }[]) => list.map(({ address }) => address).join(", ");
  const open = tried.filter(({ reach }) => reach === "open");
  if (open.length > 0) return good(subject, `${port} is reached from ${from(open)}`);
  const isRefused = tried.every(({ reach }) => reach === "refused");
  const how = isRefused ? "refuses" : "does not answer";
  return {
    ...bad(subject, `${port} ${how} ${from(tried)}: allow TCP ${port} in the firewall of this machine`),
    blocked: { tcp: [port], udp: [] },
  };
}

function nobodyText(asked: number): string {
  return asked === 0
    ? "no other peer of this kind is connected that could try it"
    : `${asked === 1 ? "the other machine" : `${asked} other machines`} that could try it did not answer`;
}

function multicast({ multicast: { isOn, heardNow, heardBefore }, answers, asked }: Facts): Check {
  const subject = "multicast";
  if (!isOn) return unknown(subject, "it is off (--no-lsd)");
  if (heardNow.length > 0) return good(subject, `it comes from ${someOf(heardNow)}`);
  const senders = answers.filter(({ isAnnounced }) => isAnnounced);
  if (senders.length > 0) {
    const from = senders.map(({ address }) => address).join(", ");
    return {
      ...bad(
        subject,
        `nothing came of what ${from} sent just now: allow UDP 6771 in the firewall of this machine`,
      ),
      blocked: { tcp: [], udp: [6771] },
    };
  }
  if (heardBefore.length > 0) return good(subject, `it came from ${someOf(heardBefore)} in this run`);
  return unknown(subject, `nothing was heard, and ${nobodyText(asked)}`);
}

/** The first addresses of a list; a machine may have several. */
function someOf(addresses: readonly string[]): string {
  const more = addresses.length - DOCTOR.maxNeighbours;
  const named = addresses.slice(0, DOCTOR.maxNeighbours).join(", ");
  return more > 0 ? `${named} and ${more} more` : named;
}

function clock({ answers, asked }: Facts): Check {
  const subject = "clock";
  if (answers.length === 0) return unknown(subject, nobodyText(asked).replace("try it", "be compared with"));
  const ahead = answers.map(({ aheadMs }) => aheadMs).sort((a, b) => a - b);
  const off = ahead.filter((ms) => Math.abs(ms) > DOCTOR.clockMs);
  const median = ahead[ahead.length >> 1];
  const others = answers.length === 1 ? "1 other" : `${answers.length} others`;
  if (off.length === 0) return good(subject, `within a minute of ${others}`);
  if (answers.length === 1) {
    const [{ address }] = answers;
    return bad(
      subject,
      `${address} and this machine differ by ${timeText(median)}: set the clock that is wrong`,
    );
  }
  if (Math.abs(median) <= DOCTOR.clockMs || off.length * 2 <= ahead.length) {
    return good(subject, `as most of ${others} have it; ${off.length} of them differ`);
  }
  const how = median > 0 ? "behind" : "ahead of";
  return bad(subject, `this machine is ${timeText(median)} ${how} ${others}: set its clock`);
}

function disk({ folder, free, needed, rate, failure }: DiskFact): Check {
  const subject = "disk";
  const wanted = Math.max(needed, DOCTOR.leastFree);
  if (free !== undefined && free < wanted) {
    const why = needed > 0 ? `, and ${sizeText(needed)} are still to come` : "";
    return bad(subject, `the disk of ${folder} has ${sizeText(free)} free${why}: make room there`);
  }
  if (failure !== undefined) return bad(subject, `nothing can be written to ${folder}: ${failure}`);
  const room = free === undefined ? "" : `${sizeText(free)} free`;
  const speed = rate === undefined ? "" : `writes ${sizeText(rate)}/s`;
  if (rate !== undefined && rate < DOCTOR.slowDisk) {
    return bad(subject, `the disk of ${folder} ${speed}, which holds a download up: use another one`);
  }
  return good(
    subject,
    [room, speed].filter((text) => text !== "").join(", ") || `${folder} can be written to`,
  );
}

function torrentChecks(torrent: TorrentFact, facts: Facts): Check[] {
  const { name, failure, doubles } = torrent;
  const failed = failure === undefined ? [] : [bad(name, failure)];
  const claimed = doubles.map((place) =>
    bad(name, `two machines announce themselves as ${place}: give each an address of its own`)
  );
  return [
    ...failed,
    ...torrent.trackers.map((tracker) => trackerCheck(tracker, torrent, facts)),
    ...claimed,
    swarm(torrent),
  ];
}

function trackerCheck(tracker: TrackerFact, torrent: TorrentFact, { trackerPort, addresses }: Facts): Check {
  const subject = `${torrent.name}: tracker`;
  const { host, port, isOwn, isHere, state, seeders = 0, leechers = 0, failure = "it was not asked" } =
    tracker;
  if (isOwn) return good(subject, `${host} is this machine, the announcer`);
  if (state === "ok") return good(subject, `${host} answers: ${seeders} have it, ${leechers} fetch it`);
  if (state === "idle" || state === "announcing") return unknown(subject, `${host} was not heard yet`);
  if (isHere) return bad(subject, portTakenText(host, port, trackerPort));
  if (/unregistered torrent/i.test(failure)) {
    return bad(subject, `${host} answers, but does not know this torrent: start it on that machine, too`);
  }
  const helped = torrent.standIns.length === 0
    ? ""
    : `; ${torrent.standIns.join(", ")} ${torrent.standIns.length === 1 ? "stands" : "stand"} in for it`;
  const [own] = addresses;
  const mend = torrent.isFinished && own !== undefined
    ? `if that is no machine of yours any more: peer edit with --announce ${own.address}`
    : "is that machine on, and is that still its address";
  return bad(subject, `${host} ${failure}${helped}: ${mend}`);
}

/** The sentence for an announce address that is this machine, while its tracker is at another port. */
export function portTakenText(host: string, port: number, trackerPort: number | undefined): string {
  return trackerPort === undefined
    ? `others look for a tracker at ${host}, which is this machine, and none runs: start without --no-tracker`
    : `others look for the tracker at ${host}, which is this machine, but it is on port ${trackerPort}: ` +
      `end the program that has port ${port}, and start again`;
}

function swarm({ name, isFinished, isAnnouncer, connections, known, lacking, nowhere }: TorrentFact): Check {
  const who = connections === 1 ? "1 peer is connected" : `${connections} peers are connected`;
  if (isFinished) {
    return connections > 0 || isAnnouncer
      ? good(name, `all is here; ${who}`)
      : unknown(name, `all is here; nobody is connected, ${known} are known`);
  }
  if (connections === 0) {
    return bad(
      name,
      known === 0
        ? "nobody else is known who has it: start a machine that has the data"
        : unreachableText(known),
    );
  }
  if (nowhere === 0) return good(name, `${who}, and together they have all that is lacking here`);
  const all = nowhere === lacking
    ? `all ${lacking} lacking pieces`
    : `${nowhere} of ${lacking} lacking pieces`;
  return bad(name, `${who}, and none has ${all}: start a machine that has all the data`);
}

/** The sentence for peers that are known and cannot be reached. */
export function unreachableText(known: number): string {
  return `${
    known === 1 ? "1 peer is" : `${known} peers are`
  } known, but cannot be reached; is there a firewall?`;
}

/** One sentence about all checks: which ports to open comes first, as it explains most of the rest. */
function summaryOf(machine: string, checks: readonly Check[]): string {
  const wrong = checks.filter(({ verdict }) => verdict === "bad");
  if (wrong.length === 0) {
    const open = checks.filter(({ verdict }) => verdict === "unknown").length;
    return open === 0 ? `${machine} is well` : `${machine} is well, as far as it could be looked at`;
  }
  const blocked = blockedPorts(checks);
  if (blocked.tcp.length + blocked.udp.length > 0) {
    const lists = ([["TCP", blocked.tcp], ["UDP", blocked.udp]] as const).filter(([, ports]) =>
      ports.length > 0
    );
    const more = wrong.length - wrong.filter((check) => check.blocked !== undefined).length;
    return `${machine} cannot be reached from outside: allow ` +
      lists.map(([protocol, ports]) => `${protocol} ${ports.join(" and ")}`).join(" and ") + moreText(more);
  }
  return `${machine}: ${wrong[0].finding}${moreText(wrong.length - 1)}`;
}

function moreText(more: number): string {
  return more === 0 ? "" : more === 1 ? "; 1 more thing is wrong" : `; ${more} more things are wrong`;
}

/** The ports of all checks that a firewall must let through. */
function blockedPorts(checks: readonly Check[]): BlockedPorts {
  const all = checks.flatMap(({ blocked }) => blocked ?? []);
  return { tcp: all.flatMap(({ tcp }) => tcp), udp: all.flatMap(({ udp }) => udp) };
}

/** `1h05m`, `12m`. */
function timeText(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000);
  const days = Math.floor(minutes / 1_440);
  if (days > 1) return `${days} days`;
  return minutes < 60
    ? `${minutes}m`
    : `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, "0")}m`;
}

/** `1.2 GiB`, `340 MiB`. */
function sizeText(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1_000 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1_024).toFixed(1)} GiB`;
}
