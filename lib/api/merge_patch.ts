/** Changes between two states as JSON Merge Patches (RFC 7396). A state has no null, so null can mean "gone". */

/** A value in JSON. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

/** The patch that makes `to` out of `from`; undefined where both are equal. Lists are replaced as a whole. */
export function mergePatch(from: JsonObject, to: JsonObject): JsonObject | undefined {
  let patch: Record<string, Json> | undefined;
  for (const name of Object.keys(to)) {
    const before = from[name];
    const after = to[name];
    if (before === after) continue;
    const change = isObject(before) && isObject(after)
      ? mergePatch(before, after)
      : isSameList(before, after)
      ? undefined
      : after;
    if (change !== undefined) (patch ??= {})[name] = change;
  }
  for (const name of Object.keys(from)) {
    if (!Object.hasOwn(to, name)) (patch ??= {})[name] = null;
  }
  return patch;
}

/** The state that a patch makes out of `state`, which stays as it is. */
export function applyPatch(state: JsonObject, patch: JsonObject): JsonObject {
  const changed = new Map(Object.entries(state));
  for (const [name, change] of Object.entries(patch)) {
    const before = changed.get(name);
    if (change === null) changed.delete(name);
    else changed.set(name, isObject(change) ? applyPatch(isObject(before) ? before : {}, change) : change);
  }
  return Object.fromEntries(changed);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSameList(a: Json | undefined, b: Json): boolean {
  return Array.isArray(a) && Array.isArray(b) && JSON.stringify(a) === JSON.stringify(b);
}
