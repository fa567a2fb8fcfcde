/**
 * Applies a JSON merge patch (RFC 7396). What the patch does not touch stays the same object, so that a comparison by
 * identity tells what has changed.
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else {
      // A plain assignment to "__proto__" would change the object's prototype.
      const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
      Object.defineProperty(merged, name, {
        value: applyMergePatch(before, value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
