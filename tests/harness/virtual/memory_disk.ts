import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";

/** Memory of `size` mounted below a folder, as Linux lets root do it; everything in it is gone in the end. */
export function mountMemory(folder: string, size: string) {
  const run = (command: string, ...args: string[]) => {
    const { success, stderr } = new Deno.Command(command, { args }).outputSync();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  run("mount", "-t", "tmpfs", "-o", `size=${size}`, "peer-test", folder);
  return {
    remount: (options: string) => run("mount", "-o", `remount,${options}`, folder),
    /** Leaves no room, in a file of this name. */
    fill(name: string) {
      const fd = fs.openSync(join(folder, name), "w");
      // The last write that fits is a short one.
      assert.throws(() => {
        for (;;) fs.writeSync(fd, new Uint8Array(4096));
      });
      fs.closeSync(fd);
    },
    // Lazily: threads that were ended may still have files open for a moment.
    [Symbol.dispose]: () => run("umount", "--lazy", folder),
  };
}
