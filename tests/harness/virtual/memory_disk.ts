import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { needs } from "../processes/require_tool.ts";

/** Memory of `size` mounted below a folder, as Linux lets root do it; everything in it is gone in the end. */
export function mountMemory(folder: string, size: string) {
  const run = (command: string, ...args: string[]) => {
    const { success, stderr } = new Deno.Command(command, { args }).outputSync();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  run("mount", "-t", "tmpfs", "-o", `size=${size}`, "peer-test", folder);
  return {
    remount: (options: string) => run("mount", "-o", `remount,${options}`, folder),
    fill: (name: string) => fill(join(folder, name)),
    // Lazily: threads that were ended may still have files open for a moment.
    [Symbol.dispose]: () => run("umount", "--lazy", folder),
  };
}

/** The root of the drive that tests on Windows may fill and empty, such as `P:\`; it holds some 40 MiB. */
export const SMALL_DRIVE = Deno.env.get("PEER_TEST_DRIVE");

/** For tests that use a `SmallDisk`. */
export const needsSmallDisk = Deno.build.os === "windows"
  ? needs("windows", "small drive")
  : needs("linux", "root", "mount");

/** A disk of 40 MiB that is empty: on Windows the small drive itself, elsewhere a folder in memory. */
export class SmallDisk implements Disposable {
  /** The path of its root folder. */
  readonly path: string;
  readonly #memory?: Disposable;

  constructor() {
    this.path = SMALL_DRIVE ?? Deno.makeTempDirSync({ prefix: "peer-disk-" });
    if (SMALL_DRIVE === undefined) this.#memory = mountMemory(this.path, "40m");
    else this.#empty();
  }

  /** Leaves `room` bytes or a little less, by a file of this name. */
  fill(name: string, room = 0): void {
    const path = join(this.path, name);
    fill(path);
    if (room > 0) fs.truncateSync(path, fs.statSync(path).size - room);
  }

  #empty(): void {
    for (const name of fs.readdirSync(this.path)) fs.rmSync(join(this.path, name), { recursive: true });
  }

  [Symbol.dispose](): void {
    this.#memory?.[Symbol.dispose]();
    if (this.#memory === undefined) this.#empty();
    else fs.rmdirSync(this.path);
  }
}

/** Writes a file until the disk has no room left. */
function fill(path: string): void {
  const fd = fs.openSync(path, "w");
  // The last write that fits is a short one.
  assert.throws(() => {
    for (;;) fs.writeSync(fd, new Uint8Array(4096));
  });
  fs.closeSync(fd);
}
