/** The description of the interface for programs (OpenAPI 3.1), made of the table of operations. */
import { toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { VERSION } from "../../settings.ts";
import { type Operation, TORRENT_TYPE } from "./operation.ts";
import { PROBLEM_TYPE } from "../problem.ts";
import { InfoHashText, ProblemBody } from "./answers.ts";

const EVENTS = {
  get: {
    operationId: "getEvents",
    summary: "Changes of the state as server-sent events: `state` at first, then one `delta` a second",
    parameters: [{
      name: "Last-Event-ID",
      in: "header",
      description: "The number of the last event seen; the events after it follow, or the whole state",
      schema: { type: "integer" },
    }],
    responses: {
      200: {
        description: "Events, until either side ends",
        content: { "text/event-stream": { schema: { type: "string" } } },
      },
      ...refusals(503),
    },
  },
};

/** The document; `prefix` stands before the path of every operation. */
export function describeOperations(operations: readonly Operation[], prefix: string): object {
  const paths: Record<string, Record<string, unknown>> = { [`${prefix}/events`]: EVENTS };
  for (const each of operations) {
    (paths[prefix + each.path] ??= {})[each.method] = describe(each);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "peer",
      version: VERSION,
      description:
        "Steers and shows a running peer. Sizes in bytes, rates in bytes per second, times in ms since " +
        "1970; members without a value are left out.",
    },
    security: [{ token: [] }, { password: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "The token of this run, behind # in the page's address",
        },
        password: { type: "http", scheme: "basic", description: "The password, behind any user name" },
      },
      schemas: { Problem: schemaOf(ProblemBody) },
    },
  };
}

function describe({ method, path, summary, body, takesTorrent, answer, isMade }: Operation): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const json = (schema: GenericSchema) => ({ "application/json": { schema: schemaOf(schema) } });
  const torrent = takesTorrent === true ? { [TORRENT_TYPE]: { schema: {} } } : {};
  return {
    operationId: method + path.replace(/[{}]/g, "").replace(/[/-](\w)/g, (_, letter) => letter.toUpperCase()),
    summary,
    ...names.length === 0 ? {} : { parameters: names.map((name) => parameterOf(name, method)) },
    ...body === undefined ? {} : { requestBody: { content: { ...json(body), ...torrent } } },
    responses: {
      200: { description: "Done", content: json(answer) },
      ...isMade === undefined ? {} : { 201: { description: "Made", content: json(answer) } },
      ...refusals(400, 401, 403, 421, 429, 500),
      ...names.length === 0 ? {} : refusals(404),
      ...method === "get" ? {} : refusals(411, 413),
    },
  };
}

function parameterOf(name: string, method: Operation["method"]): object {
  const schema = schemaOf(InfoHashText);
  const isForAll = method === "post";
  return {
    name,
    in: "path",
    required: true,
    schema: isForAll ? { anyOf: [schema, { const: "all", description: "Every torrent" }] } : schema,
  };
}

function refusals(...statuses: readonly number[]): object {
  const content = { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } };
  return Object.fromEntries(statuses.map((status) => [status, { description: "Refused", content }]));
}

function schemaOf(schema: GenericSchema): object {
  const { $schema: _, ...plain } = toJsonSchema(schema, { typeMode: "input", errorMode: "throw" });
  return plain;
}
