/** The JSON of a request. */
import { RPC } from "../../settings.ts";
import { parseBoundedJson } from "../bounded_json.ts";
import { RpcError } from "./rpc_error.ts";

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object of JSON; members that are undefined are left out of what is sent. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** Parses a whole body. Errors: `RpcError`. */
export function parseJson(bytes: Uint8Array): Json {
  try {
    return parseBoundedJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), RPC) as Json;
  } catch (error) {
    throw error instanceof RangeError ? new RpcError("parse", error.message) : new RpcError("parse");
  }
}

/** Whether a value is an object, not an array. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
