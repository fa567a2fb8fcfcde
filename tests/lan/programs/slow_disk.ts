/**
 * Our program on a disk that takes 400 KB a second: `deno run … slow_disk.ts ARGS`. It is its own disk worker, too, since
 * writes in both threads are to be slow.
 */
import fs from "node:fs";

const BYTES_PER_MS = 400;
const write = fs.writeSync as (...args: unknown[]) => number;

/** Writes as `fs.writeSync` does, and then waits as long as the slow disk would take. */
function writeSlowly(...args: unknown[]): number {
  const written = write(...args);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, written / BYTES_PER_MS);
  return written;
}

/** Starts this file in the place of the disk worker. */
class SlowWorker extends Worker {
  constructor() {
    super(import.meta.url, { type: "module" });
  }
}

Object.assign(fs, { writeSync: writeSlowly });
if ("WorkerGlobalScope" in globalThis) {
  await import("../../../lib/disk/disk_worker.ts");
} else {
  Object.assign(globalThis, { Worker: SlowWorker });
  await import("../../../main.ts");
}
