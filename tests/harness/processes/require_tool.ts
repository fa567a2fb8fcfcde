/**
 * Tests that need more than Deno: another client, a tool, root, something that not every system can do.
 *
 * Where the thing is missing such a test is ignored, visibly, with the reason behind its name. In CI (`CI=true`)
 * nothing may be missing on Linux, so there it fails; only what is of Windows is left out there.
 */
import { delimiter, join } from "node:path";
import { ABILITIES } from "./abilities.ts";
import { hasNodePackages } from "../../interop/node_packages.ts";

/** Interpreters a Python module may be installed for: the one on the path, and the system's own. */
const PYTHONS = ["python3", "/usr/bin/python3"];

/** What is needed that is no program of that name. */
const CHECKS: Record<string, () => boolean> = {
  ...ABILITIES,
  windows: () => Deno.build.os === "windows",
  linux: () => Deno.build.os === "linux",
  root: () => Deno.build.os !== "windows" && Deno.uid() === 0,
  libtorrent: () => findPython("libtorrent") !== undefined,
  transmissionrpc: () => findPython("transmissionrpc") !== undefined,
  webtorrent: hasNodePackages,
  "bittorrent-tracker": hasNodePackages,
};

/** What was looked for already, and whether it is there. */
const found = new Map<string, boolean>();

/** How a test is defined beyond its name and what it does. */
type Options = Omit<Deno.TestDefinition, "name" | "fn" | "ignore">;

/**
 * Like `Deno.test` for a test that needs all of `things`: names of programs, or of what is no program: those of
 * `ABILITIES`, `windows`, `linux`, `root`, `libtorrent`, `transmissionrpc`, `webtorrent`, `bittorrent-tracker`.
 *
 * A package of npm counts when `importPackage` was asked for it.
 *
 * Example: `needs("aria2c")("aria2 downloads from a session", async () => { … })`.
 */
export function needs(
  ...things: string[]
): (name: string, test: () => void | Promise<void>, options?: Options) => void {
  const missing = things.filter((thing) => !isThere(thing));
  if (missing.length === 0) return (name, fn, options) => Deno.test({ ...options, name, fn });
  const list = missing.join(", ");
  const fail = () => {
    throw new Error(`Expected ${list} in CI, got none`);
  };
  const isOptional = Deno.build.os === "windows" || things.includes("windows");
  const ignore = isOptional || Deno.env.get("CI") !== "true";
  return (name) => Deno.test({ name: `${name} (needs ${list})`, ignore, fn: fail });
}

/** Whether what `needs` calls by this name is there. */
export function isThere(thing: string): boolean {
  const isFound = found.get(thing) ?? CHECKS[thing]?.() ?? isInstalled(thing);
  found.set(thing, isFound);
  return isFound;
}

/**
 * A package of npm that tests alone use. Where it is neither in Deno's cache nor to be had now, nothing comes back, and
 * tests that name it to `needs` are ignored.
 *
 * Example: `await importPackage("axe-core", () => import("axe-core"))`.
 */
export async function importPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    const module = await load();
    found.set(name, true);
    return module;
  } catch (error) {
    if (!(error instanceof TypeError && /^Failed (loading|caching) /.test(error.message))) throw error;
    found.set(name, false);
    // Whoever uses it has asked `needs` before.
    return {} as Module;
  }
}

/** A Python interpreter that can import `module`; undefined when there is none. */
export function findPython(module: string): string | undefined {
  return PYTHONS.filter(isInstalled).find((python) =>
    new Deno.Command(python, { args: ["-c", `import ${module}`], stdout: "null", stderr: "null" })
      .outputSync().success
  );
}

/** Whether a program is there: by its path, or by its name in one of the folders of `PATH`. */
function isInstalled(program: string): boolean {
  const folders = program.includes("/") ? [""] : (Deno.env.get("PATH") ?? "").split(delimiter);
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return folders.some((folder) => {
    try {
      return Deno.statSync(join(folder, program + suffix)).isFile;
    } catch {
      return false;
    }
  });
}
