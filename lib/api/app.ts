/** The web application: routes to operations, checks of what comes in, and problems in one form. */
import { type Context, Hono } from "hono";
import { type GenericSchema, getDotPath, safeParse } from "valibot";
import { messageOf, MetainfoError, StorageError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { inSlices } from "../disk/time_slices.ts";
import { fromUtf8, joinBytes } from "../protocol/bytes.ts";
import type { PageFile } from "../web/pages.ts";
import { API } from "../settings.ts";
import { parseBoundedJson } from "./bounded_json.ts";
import { IN_PARTS } from "./exchange.ts";
import { METRICS_TYPE, metricsOf } from "./metrics.ts";
import { type Door, type Operation, TORRENT_TYPE, type Workplace } from "./operations/operation.ts";
import { PROBLEM_TYPE, problemOf, Refusal } from "./problem.ts";
import { ADD } from "./operations/adding.ts";
import { FLEET_OPERATIONS } from "./operations/fleet_operations.ts";
import { jsonInSteps } from "./sliced_json.ts";
import { SESSION_OPERATIONS } from "./operations/session_operations.ts";
import { SHARING_OPERATIONS } from "./operations/sharing.ts";
import { TORRENT_LOOKS } from "./operations/torrent_look.ts";
import { TORRENT_ORDERS } from "./operations/torrent_orders.ts";
import type { TransmissionRpc } from "./transmission/transmission_rpc.ts";

/** The prefix of all operations. */
export const PREFIX = "/api/v1";

/** Clients of Transmission end the path either way. */
export const RPC_PATHS = ["/transmission/rpc", "/transmission/rpc/"] as const;

/** Where people look for the page of Transmission. */
export const OLD_PAGE_PATHS: readonly string[] = [
  "/transmission",
  "/transmission/",
  "/transmission/web",
  "/transmission/web/",
];

/** All operations, from which routes and document are made. */
export const OPERATIONS: readonly Operation[] = [
  ...SESSION_OPERATIONS,
  ...FLEET_OPERATIONS,
  ADD,
  ...SHARING_OPERATIONS,
  ...TORRENT_LOOKS,
  ...TORRENT_ORDERS,
];

const JSON_HEADERS = { "Content-Type": "application/json" } as const;

/** What every request brings beside itself. */
interface Bindings {
  readonly door: Door;
  /** The whole body. It is taken back after the answer, unless it is a torrent that was taken in. */
  readonly body: Uint8Array<ArrayBuffer>;
}

type AppContext = Context<{ Bindings: Bindings }>;

/** Makes the application. `pages` are served as they are, by their paths. */
export function makeApp(
  workplace: Workplace,
  pages: ReadonlyMap<string, PageFile>,
  log: Logger,
): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>();
  for (const each of OPERATIONS) {
    app.on(each.method, routeOf(each), (context) => perform(each, context, workplace));
  }
  app.get(`${PREFIX}/events`, (context) => openEvents(context, workplace));
  app.get(`${PREFIX}/openapi.json`, async (context) => {
    const { describeOperations } = await import("./operations/openapi.ts");
    return context.json(describeOperations(OPERATIONS, PREFIX));
  });
  const { outputFolders, stop } = workplace;
  let rpc: TransmissionRpc | undefined;
  for (const path of OLD_PAGE_PATHS) app.get(path, (context) => context.redirect("/"));
  for (const path of RPC_PATHS) {
    app.all(path, async ({ req, env }) => {
      // Most processes have no client of Transmission, so this is loaded for the first one.
      const { TransmissionRpc } = await import("./transmission/transmission_rpc.ts");
      rpc ??= new TransmissionRpc(workplace.session, { log, outputFolders, stop });
      return rpc.answer(req.raw, env.body);
    });
  }
  app.get("/healthz", (context) => context.text("ok\n"));
  app.get("/metrics", (context) => {
    return context.body(metricsOf(workplace.session.snapshot()), 200, { "Content-Type": METRICS_TYPE });
  });
  for (const [path, { type, text }] of pages) {
    app.get(path, (context) => context.body(text, 200, { "Content-Type": type }));
  }
  app.notFound((context) =>
    problem(context, new Refusal(404, "Expected a path of this interface, got another"))
  );
  app.onError((error, context) => problem(context, refusalOf(error, log)));
  return app;
}

function routeOf({ path }: Operation): string {
  return PREFIX + path.replace(/\{(\w+)\}/g, ":$1");
}

async function perform(operation: Operation, context: AppContext, workplace: Workplace): Promise<Response> {
  const { body: schema, takesTorrent, isMade } = operation;
  const isTorrent = takesTorrent === true && context.req.header("Content-Type") === TORRENT_TYPE;
  const body = schema === undefined ? undefined : checked(schema, isTorrent ? {} : bodyOf(context));
  const answer = await operation.run({
    ...workplace,
    door: context.env.door,
    parameters: context.req.param(),
    body,
    torrent: isTorrent ? context.env.body : undefined,
  });
  const status = isMade?.(answer) === true ? 201 : 200;
  const parts = await inSlices(jsonInSteps(answer));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= API.wholeBytes) return context.body(joinBytes(parts), status, JSON_HEADERS);
  return context.body(ReadableStream.from(parts), status, { ...JSON_HEADERS, ...IN_PARTS });
}

/** The JSON object of a request; `{}` where it has no body. Errors: `Refusal`. */
function bodyOf(context: AppContext): object {
  const text = fromUtf8(context.env.body);
  if (text === "") return {};
  let body: unknown;
  try {
    body = parseBoundedJson(text, API.bodies);
  } catch (error) {
    throw new Refusal(400, error instanceof RangeError ? error.message : "Expected JSON, got something else");
  }
  // The schema takes a list for an object.
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new Refusal(400, "Expected a JSON object, got another value");
}

function checked(schema: GenericSchema, body: unknown): unknown {
  const { success, output, issues } = safeParse(schema, body, { abortEarly: true });
  if (success) return output;
  const [issue] = issues;
  const path = getDotPath(issue);
  throw new Refusal(400, path === null ? issue.message : `${path}: ${issue.message}`);
}

function openEvents(context: AppContext, { feed }: Workplace): Response {
  const last = Number(context.req.header("Last-Event-ID") || NaN);
  const stream = feed.open(Number.isSafeInteger(last) ? last : undefined);
  if (stream === undefined) {
    throw new Refusal(503, "Expected fewer readers of events; close one and try again");
  }
  return context.body(stream, 200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    ...IN_PARTS,
  });
}

function problem(context: AppContext, { status, message }: Refusal): Response {
  const body = JSON.stringify(problemOf(status, message));
  return context.body(body, status as 400, { "Content-Type": PROBLEM_TYPE });
}

/** What a client is told about an error; the reason of one that nobody expected goes to the log only. */
function refusalOf(error: Error, log: Logger): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof RangeError || error instanceof MetainfoError) return new Refusal(400, error.message);
  if (error instanceof StorageError) return new Refusal(500, error.message);
  log.error(`request failed: ${messageOf(error)}`);
  return new Refusal(500, "Internal error; the log has the reason");
}
