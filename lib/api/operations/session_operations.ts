/** Operations on the whole process. */
import { jsonOf, processOf } from "../events/state.ts";
import { Refusal } from "../problem.ts";
import { Examination, Log, Nothing, SessionView, State, Stopping, WebPlace } from "./answers.ts";
import { BannedAddress, Empty, Patient, ProcessChoices, Question } from "./bodies.ts";
import { choicesOf } from "./choices.ts";
import { type Operation, operation } from "./operation.ts";
import { SharesFound } from "./sharing_answers.ts";

export const SESSION_OPERATIONS: readonly Operation[] = [
  operation({
    method: "get",
    path: "/state",
    summary: "Everything at this moment",
    answer: State,
    run: ({ feed }) => feed.state(),
  }),
  operation({
    method: "get",
    path: "/log",
    summary: "The latest events; a stream of events with this number as its last tells those that come next",
    answer: Log,
    run: ({ feed }) => feed.log(),
  }),
  operation({
    method: "get",
    path: "/session",
    summary: "The process, the choices for all torrents, and the banned addresses",
    answer: SessionView,
    run: ({ session }) => ({
      process: processOf(session),
      choices: jsonOf(session.choices()),
      bans: session.bans(),
    }),
  }),
  operation({
    method: "get",
    path: "/web",
    summary: "Where the page is, with its token; over the control socket only",
    answer: WebPlace,
    run: ({ door, web }) => {
      if (door === "control") return web();
      throw new Refusal(403, "Expected to be asked over the control socket; use `peer web`");
    },
  }),
  operation({
    method: "post",
    path: "/session/choose",
    summary: "Choose limits, slots and sources for all torrents",
    body: ProcessChoices,
    answer: Nothing,
    run: async ({ session, body }) => {
      await session.choose(choicesOf(body));
      return {};
    },
  }),
  operation({
    method: "post",
    path: "/session/ban",
    summary: "Ban an IP address for all torrents",
    body: BannedAddress,
    answer: Nothing,
    run: async ({ session, body: { address } }) => {
      await session.ban(address);
      return {};
    },
  }),
  operation({
    method: "post",
    path: "/session/unban",
    summary: "Take back the ban of an address",
    body: BannedAddress,
    answer: Nothing,
    run: async ({ session, body: { address } }) => {
      await session.unban(address);
      return {};
    },
  }),
  operation({
    method: "post",
    path: "/lookups",
    summary: "Ask hosts near by what they share, by a code or all; the answer takes some seconds",
    body: Question,
    answer: SharesFound,
    run: async ({ session, body: { code, peers } }) =>
      jsonOf(
        await session.lookUp({
          ...code === undefined ? {} : { code },
          ...peers === undefined ? {} : { peers },
        }),
      ),
  }),
  operation({
    method: "post",
    path: "/session/doctor",
    summary: "Find out why this machine is not reached, or why a torrent stands still; it takes some seconds",
    body: Patient,
    answer: Examination,
    run: async ({ session, body: { torrent } }) => jsonOf(await session.examine(torrent)),
  }),
  operation({
    method: "post",
    path: "/session/stop",
    summary: "Stop the process cleanly; it goes on for a moment after the answer",
    body: Empty,
    answer: Stopping,
    run: ({ stop }) => {
      stop();
      return { pid: Deno.pid };
    },
  }),
];
