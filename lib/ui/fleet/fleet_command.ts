/** `peer fleet`: orders about the fleet of a home, to the peer that runs there or to one that begins for it. */
import { messageOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import { trustAtRest } from "../../session/session.ts";
import type { FleetView, InvitationView, OfferView } from "../../api/shapes.ts";
import { type Following, runningPeer } from "../control/hand_over.ts";
import { pageHere, printResult, type Remote } from "../control/remote.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { run, type StartWords } from "../start_command.ts";
import type { FleetAction } from "./fleet_actions.ts";
import { choiceLines, invitationLines, keyLines, listLines, offerLine, offerLines } from "./fleet_lines.ts";

/** Options of `fleet` beside those of `start`. */
interface FleetOptions {
  readonly count?: number;
  readonly accept?: "ask" | "lead";
  /** In bytes, or half of what is free. */
  readonly quota?: number | "half";
  readonly image?: boolean;
  /** Peers to ask beside those near by, `HOST:PORT` each. */
  readonly peer?: readonly string[];
  readonly json?: boolean;
}

/** Words after the action: how many there are, and what they are. */
const WORDS: Readonly<Partial<Record<FleetAction, string>>> = {
  create: "the name of the fleet",
  join: "the code of an invitation",
  trust: "a key",
  distrust: "a lead",
  wake: "a host",
  forget: "a host",
  accept: "the name of an offer",
  decline: "the name of an offer",
  cancel: "the name of an offer",
};

/** Actions for which a peer that begins goes on: somebody joins it, or it takes what is offered. */
const GOES_ON: readonly FleetAction[] = ["invite", "join"];

/** Does what the user wants with the fleet. Errors: `Failure`. */
export async function fleet(
  action: FleetAction,
  given: readonly string[],
  options: FleetOptions,
  words: StartWords,
): Promise<ExitCode> {
  const text = given.join(" ");
  const expected = WORDS[action];
  if ((expected === undefined) !== (text === "")) {
    const got = text === "" ? "none" : text;
    throw new Failure(
      EXIT.usage,
      `fleet ${action}`,
      `Expected ${expected ?? "no word behind it"}, got ${got}`,
    );
  }
  const talk = (remote: Remote) => give(action, text, options, remote);
  const isQuiet = options.json || !GOES_ON.includes(action);
  const shown = isQuiet
    ? { ...words, commandLine: { ...words.commandLine, progress: "none" as const } }
    : words;
  return await run(shown, {
    handOver: async (remote, { stop }) => {
      await orFail(action, untilStopped(talk(remote), stop), stop);
      return EXIT.ok;
    },
    begin: async (_session, _options, { home, stop }: Following) => {
      using remote = await runningPeer(home);
      if (remote === undefined) throw new Failure(EXIT.failed, "fleet", "this peer cannot be steered");
      await orFail(action, untilStopped(talk(remote), stop), stop);
      return GOES_ON.includes(action) ? undefined : "over";
    },
    ...action === "trust" && {
      atRest: async (home: string) => {
        const name = await orFail(action, trustAtRest(home, text, choicesOf(options)));
        printResult(options.json, { fleet: name }, () => [`a member of ${name} from the next start on`]);
        return EXIT.ok;
      },
    },
  });
}

function choicesOf({ accept, quota }: FleetOptions) {
  return {
    ...accept === undefined ? {} : { accept },
    ...quota === undefined ? {} : { quota: quota === "half" ? undefined : quota },
  };
}

/** Gives the order to a running peer, and says what came of it. Errors: those of the peer. */
async function give(action: FleetAction, text: string, options: FleetOptions, remote: Remote): Promise<void> {
  const { json, accept, quota, count, peer } = options;
  const choices = { accept, quota: quota === "half" ? null : quota };
  const print = (view: FleetView, lines: (view: FleetView) => readonly string[]) =>
    printResult(json, view, () => lines(view));
  const order = async (body: object) => await remote.post(`/fleet/${action}`, body) as FleetView;
  switch (action) {
    case "list":
      return print(await remote.get("/fleet") as FleetView, (view) => listLines(view, pageHere()));
    case "key":
      if (options.image) {
        const { key } = await remote.post("/fleet/image-key") as { key: string };
        return printResult(json, { key }, () => [key]);
      }
      await remote.post("/fleet/key");
      return print(await remote.get("/fleet") as FleetView, keyLines);
    case "create":
      return print(await order({ name: text }), choiceLines);
    case "invite": {
      const invitation = await remote.post("/fleet/invite", { count }) as InvitationView;
      return printResult(json, invitation, () => invitationLines(invitation));
    }
    case "join":
      return print(await order({ code: text, peers: peer, ...choices }), choiceLines);
    case "trust":
      return print(await order({ key: text, ...choices }), choiceLines);
    case "distrust":
      return print(await order({ key: text }), choiceLines);
    case "choose":
      return print(await order(choices), choiceLines);
    case "wake":
      return print(await order({ hosts: [text] }), () => [`packets that wake ${printable(text)} are sent`]);
    case "forget":
      return print(await order({ host: text }), (view) => listLines(view, pageHere()));
    case "offers": {
      const view = await remote.get("/fleet") as FleetView;
      return printResult(json, view.fleet?.offers ?? [], () => offerLines(view, pageHere()));
    }
    case "accept":
    case "decline":
    case "cancel": {
      const offer = namedOffer(text, await remote.get("/fleet") as FleetView, action === "cancel");
      const view = await order({ infoHash: offer.infoHash });
      return print(view, () => [offerLine(view.fleet!.offers.find((each) => isSame(each, offer))!)]);
    }
    case "leave":
      return print(await order({}), () => ["this host is a member of no fleet now"]);
  }
}

/** The offer that a text means: its name, or the beginning of its info-hash. Errors: `Failure`. */
function namedOffer(text: string, { fleet }: FleetView, isOwn: boolean): OfferView {
  const offers = fleet?.offers.filter((offer) => offer.isOwn === isOwn && offer.state !== "cancelled") ?? [];
  const isLong = /^[0-9a-f]{4,}$/i.test(text);
  const meant = offers.filter(({ name, infoHash }) =>
    name === text || isLong && infoHash.startsWith(text.toLowerCase())
  );
  if (meant.length === 1) return meant[0];
  const got = meant.length === 0 ? "none" : "several; use the info-hash that --json shows";
  throw new Failure(EXIT.failed, text, `Expected the name of one offer, got ${got}`);
}

function isSame(one: OfferView, other: OfferView): boolean {
  return one.infoHash === other.infoHash && one.isOwn === other.isOwn;
}

/** Waits for work until the user has enough of it. */
async function untilStopped(work: Promise<void>, stop: AbortSignal): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  stop.addEventListener("abort", end);
  try {
    await Promise.race([work, ended.promise]);
  } finally {
    stop.removeEventListener("abort", end);
  }
}

/** Turns errors of the peer into failures of the command; none once the user has stopped it. */
async function orFail<Result>(
  action: FleetAction,
  work: Promise<Result>,
  stop?: AbortSignal,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Failure || stop?.aborted) throw error;
    throw new Failure(EXIT.failed, `fleet ${action}`, messageOf(error), { cause: error });
  }
}
