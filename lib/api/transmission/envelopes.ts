/** Requests and answers in their envelopes: the members around a method's name, its parameters and its result. */
import { messageOf, MetainfoError, StorageError } from "../../errors.ts";
import { RPC } from "../../settings.ts";
import type { RpcContext } from "./call.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { METHODS } from "./methods.ts";
import { type Dialect, nameOf } from "./names.ts";
import { isList, Params } from "./params.ts";
import { RpcError } from "./rpc_error.ts";
import { inDialect, type Result, type ResultObject } from "./writing.ts";

/** The code of an error that the legacy dialect has other words for. */
const UNKNOWN_METHOD = -32601;

/**
 * Answers the contents of a body: one request in either dialect, or several in a list, which only JSON-RPC knows.
 * Undefined where nothing is to be answered, because all requests are notifications.
 */
export async function answerAll(body: Json, context: RpcContext): Promise<Result | undefined> {
  if (!isList(body)) return await answerOne(body, context);
  if (body.length === 0 || body.length > RPC.maxBatch) return invalidRequest();
  const answers: Result[] = [];
  // One after another, as a later request may be about what an earlier one did.
  for (const request of body) {
    const answer = isObject(request) && !("jsonrpc" in request)
      ? invalidRequest()
      : await answerOne(request, context);
    if (answer !== undefined) answers.push(answer);
  }
  return answers.length > 0 ? answers : undefined;
}

async function answerOne(request: Json, context: RpcContext): Promise<ResultObject | undefined> {
  if (!isObject(request)) return invalidRequest();
  return "jsonrpc" in request ? await answerJsonRpc(request, context) : await answerLegacy(request, context);
}

/** Answers a request of the legacy dialect. Its failures are told in `result`. */
async function answerLegacy(request: JsonObject, context: RpcContext): Promise<ResultObject> {
  const { method, arguments: params, tag } = request;
  // A tag that was not given must not be answered.
  const echo = typeof tag === "number" || typeof tag === "string" ? { tag } : {};
  if (typeof method !== "string") return { result: "no method name", arguments: {}, ...echo };
  try {
    return { result: "success", arguments: await resultOf(method, params, context, "legacy"), ...echo };
  } catch (thrown) {
    const { code, message, result = {} } = errorOf(thrown, context);
    const text = code === UNKNOWN_METHOD ? "method name not recognized" : message;
    return { result: text, arguments: inDialect(result, "legacy", nameOf(method)), ...echo };
  }
}

/** Answers a request of the JSON-RPC dialect; undefined for a notification. */
async function answerJsonRpc(request: JsonObject, context: RpcContext): Promise<ResultObject | undefined> {
  const { jsonrpc, method, params, id } = request;
  const isId = id === undefined || id === null || typeof id === "string" || typeof id === "number";
  if (jsonrpc !== "2.0" || !isId) return invalidRequest();
  if (typeof method !== "string") return invalidRequest(id);
  let answer: ResultObject;
  try {
    answer = { jsonrpc, result: await resultOf(method, params, context, "json-rpc"), id: id ?? null };
  } catch (thrown) {
    answer = errorEnvelope(id ?? null, errorOf(thrown, context), nameOf(method));
  }
  return id === undefined ? undefined : answer;
}

async function resultOf(
  method: string,
  params: Json | undefined,
  context: RpcContext,
  dialect: Dialect,
): Promise<Result> {
  const name = nameOf(method);
  const run = METHODS.get(name);
  if (run === undefined) throw new RpcError("unknown method");
  return inDialect(await run(new Params(params), context, dialect), dialect, name);
}

/** An error of a method, or one that the session throws with a line for the user. Others are faults of ours. */
function errorOf(thrown: unknown, { options }: RpcContext): RpcError {
  if (thrown instanceof RpcError) return thrown;
  if (thrown instanceof RangeError) return new RpcError("invalid params", thrown.message);
  if (thrown instanceof MetainfoError) return new RpcError("corrupt torrent", thrown.message);
  if (thrown instanceof StorageError) return new RpcError("system", thrown.message);
  options.log.error(`Transmission's RPC: ${messageOf(thrown)}`);
  return new RpcError("internal", "Expected an answer, got a fault of peer, which its log tells");
}

function invalidRequest(id: Json = null): ResultObject {
  return errorEnvelope(id, new RpcError("invalid request"));
}

/** An answer of JSON-RPC that tells a failure. */
export function errorEnvelope(id: Json, error: RpcError, method = ""): ResultObject {
  const { code, title, message, result } = error;
  const data = {
    ...message !== title && { error_string: message },
    ...result !== undefined && { result: inDialect(result, "json-rpc", method) },
  };
  const hasData = Object.keys(data).length > 0;
  return { jsonrpc: "2.0", error: { code, message: title, ...hasData && { data } }, id };
}
