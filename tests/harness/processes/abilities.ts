/**
 * What a system can do that not every one can. A test that needs it names it (`needs` in `require_tool.ts`), and is left
 * out elsewhere with the reason behind its name.
 *
 * Of what only Wine lacks, which runs the tests in place of Windows, each look is the program that proves it.
 */
import fs from "node:fs";
import { join } from "node:path";

const isWindows = Deno.build.os === "windows";

/** The names by which tests ask, and the look at the system that tells. */
export const ABILITIES: Readonly<Record<string, () => boolean>> = {
  /** Wine makes none, and on Windows the user must have the right to. */
  "symbolic links": () =>
    inFolder((path) => {
      fs.symlinkSync("target", path("link"));
      return fs.lstatSync(path("link")).isSymbolicLink();
    }),
  /** Windows forbids some characters, and macOS takes letters for the same however they are composed. */
  "names of all kinds": () =>
    inFolder((path) => {
      for (const name of ["what?", "\u00e9", "e\u0301"]) fs.writeFileSync(path(name), "");
      return fs.readdirSync(path("")).length === 3;
    }),
  /** Wine keeps the name of a deleted file as long as somebody has it open; Windows does so no more. */
  "deleting open files": () =>
    inFolder((path) => {
      const fd = fs.openSync(path("file"), "w");
      fs.rmSync(path("file"));
      const isGone = !fs.existsSync(path("file"));
      fs.closeSync(fd);
      return isGone;
    }),
  /** Wine refuses to replace a file that somebody has open; Windows does so only where that was opened to say so. */
  "replacing open files": () =>
    inFolder((path) => {
      const fd = fs.openSync(path("file"), "w");
      fs.writeFileSync(path("other"), "");
      try {
        fs.renameSync(path("other"), path("file"));
        return true;
      } finally {
        fs.closeSync(fd);
      }
    }),
  /** Wine finds none beyond 260 characters ("more data available"), and the resume state is opened by its real path. */
  "real paths of any length": () =>
    inFolder((path) => {
      const long = path(join("a".repeat(200), "b".repeat(200)));
      fs.mkdirSync(long, { recursive: true });
      return Deno.realPathSync(long).length > 400;
    }),
  /** Names with characters that are reserved on Windows, and names that differ in case only. */
  "any file names": () => !isWindows,
  /** An IPv6 socket that takes IPv4 too: on Windows each takes its own. */
  "sockets of both families": () => !isWindows,
  /** Wine's sockets take all that is written at once, however much that is. */
  "sockets that fill up": () => !isWindows,
  /** Wine needs some 7 ms to make a connection, and minutes for what takes seconds elsewhere. */
  "thousands of connections": () => !isWindows,
  /** One server of Wine answers each call of all programs, so that answers of a busy machine come late. */
  "answers within 20 ms": () => !isWindows,
  /** Attackers and honest peers on loopback addresses of their own; elsewhere all share one, and so its blame. */
  "addresses to attack from": () => Deno.build.os === "linux",
  /** The drive that tests may fill, which `deno task test:windows` makes (`memory_disk.ts`). */
  "small drive": () => Deno.env.has("PEER_TEST_DRIVE"),
  /** Permissions of files: Windows has lists of who may do what, and one mark for "read-only". */
  "file modes": () => !isWindows,
  /** A signal that asks a process to end: on Windows Deno can only kill it. */
  "signals to processes": () => !isWindows,
};

/** Whether a look in an empty folder finds what it looks for; a failure is a no. */
function inFolder(look: (path: (name: string) => string) => boolean): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "peer-ability-" });
  try {
    return look((name) => join(folder, name));
  } catch {
    return false;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
