/** The executables of this program that can be handed out, one for each system. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";

/** A system that the program is made for. */
export interface System {
  /** As people call it. */
  readonly name: string;
  /** The folder in the path of its program on the page. */
  readonly folder: string;
  /** As compilers call it. */
  readonly target: string;
}

const SYSTEMS: readonly System[] = [
  { name: "Windows", folder: "windows", target: "x86_64-pc-windows-msvc" },
  { name: "Linux", folder: "linux", target: "x86_64-unknown-linux-gnu" },
  { name: "Linux on arm64", folder: "linux-arm64", target: "aarch64-unknown-linux-gnu" },
  { name: "macOS on Apple silicon", folder: "macos", target: "aarch64-apple-darwin" },
  { name: "macOS on Intel", folder: "macos-intel", target: "x86_64-apple-darwin" },
];

/** One executable, as it was when it was hashed. */
export interface Program {
  readonly system: System;
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** ms since 1970. */
  readonly changedAt: number;
  /** In hex. */
  readonly sha256: string;
}

/** The name of the program's file on a system. */
export function fileNameOn({ folder }: System): string {
  return folder === "windows" ? "peer.exe" : "peer";
}

/**
 * Finds and hashes the programs: the running one, when it is an executable, and for other systems `peer-TARGET` and
 * `dist/peer-TARGET` beside it, or `dist/peer-TARGET` in the sources. What cannot be read is left out. `places` gives the
 * paths that a system's program may have, the best first.
 */
export async function findPrograms(signal: AbortSignal, places = pathsOf): Promise<Program[]> {
  const found: Program[] = [];
  for (const system of SYSTEMS) {
    for (const path of places(system)) {
      const program = await readProgram(system, path, signal).catch(() => undefined);
      if (program === undefined) continue;
      found.push(program);
      break;
    }
  }
  return found;
}

function pathsOf({ target, folder }: System): string[] {
  const name = `peer-${target}${folder === "windows" ? ".exe" : ""}`;
  if (!Deno.build.standalone) return [join(dirname(fileURLToPath(Deno.mainModule)), "dist", name)];
  const beside = [join(dirname(execPath), name), join(dirname(execPath), "dist", name)];
  return target === Deno.build.target ? [execPath, ...beside] : beside;
}

async function readProgram(system: System, path: string, signal: AbortSignal): Promise<Program | undefined> {
  const file = await Deno.open(path);
  const { isFile, size, mtime } = await file.stat();
  if (!isFile) return void file.close();
  const hash = createHash("sha256");
  await file.readable.pipeTo(new WritableStream({ write: (part) => void hash.update(part) }), { signal });
  return { system, path, size, changedAt: mtime?.getTime() ?? 0, sha256: hash.digest("hex") };
}
