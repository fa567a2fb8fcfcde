import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collectGarbage: (() => void) | undefined;

/**
 * Bytes that objects of this process need which are still in use; garbage is collected before. What the process has
 * of the system is no measure of it: that grows with the garbage of a moment in which the machine was busy.
 */
export function heapBytes(): number {
  if (collectGarbage === undefined) {
    setFlagsFromString("--expose-gc");
    collectGarbage = runInNewContext("gc") as () => void;
  }
  collectGarbage();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
