/**
 * A Windows to test on: Deno for Windows, from npm, under Wine, from Debian trixie in a folder of its own.
 *
 * The folder is made once and kept: `WIN_ROOT`, or `peer-windows` in the user's cache folder. What lies in it is drive
 * `Z:` to Windows programs. They see the network of the namespace they are started in, and Ctrl-C when they get SIGINT.
 * Needs Linux, root, debootstrap, npm, and the registries of Debian and npm.
 */
import { join } from "node:path";
import { ensureDir, run } from "./commands.ts";

const DEBIAN = "trixie";
const PACKAGES = "wine64,ca-certificates";
/** Starts a Windows program in the folder `$WIN_DIR`; the first words are its path and its arguments. */
const START = `#!/bin/bash
export HOME=/root WINEDEBUG=-all WINEPREFIX="\${WINEPREFIX:-/root/.wine}" XDG_RUNTIME_DIR=/tmp
cd "\${WIN_DIR:-/}" && exec /usr/lib/wine/wine64 "$@"
`;
const HOSTS = "127.0.0.1 localhost\n::1 localhost\n";
/** Where Windows keeps its own files, and temporary ones in them: in memory, since Wine's own locks are slow enough. */
const PREFIX = "root/.wine";
const TEMP = "drive_c/users/root/AppData/Local/Temp";

/** A Windows that is ready for use. */
export class Wine {
  /** The folder that is `Z:\`. */
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Why there can be none on this machine, in one line; undefined when there can. */
  static unavailable(): string | undefined {
    if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return "needs Linux on x86-64";
    return Deno.uid() === 0 ? undefined : "needs root";
  }

  /** Makes what is missing. Errors: `Error` with the words of the tool that failed. */
  static async prepare(): Promise<Wine> {
    const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
    const wine = new Wine(Deno.env.get("WIN_ROOT") ?? join(cache, "peer-windows"));
    // Two processes must not make it at the same time; the second finds it made.
    await ensureDir(join(wine.root, ".."));
    using lock = await Deno.open(`${wine.root}.lock`, { create: true, write: true });
    await lock.lock(true);
    await wine.#install();
    await wine.#mount("proc", "-t", "proc", "proc");
    await wine.#mount("dev", "--rbind", "/dev");
    for (const path of ["/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"]) {
      await Deno.copyFile(path, join(wine.root, path)).catch(() => {});
    }
    await Deno.writeTextFile(join(wine.root, "etc/hosts"), HOSTS);
    await Deno.writeTextFile(join(wine.root, "start"), START, { mode: 0o755 });
    await ensureDir(join(wine.root, "files"));
    const [boot, ...init] = wine.commandLine(["wineboot", "--init"]);
    await run(boot, ...init);
    await wine.#mount(join(PREFIX, TEMP), "-t", "tmpfs", "peer-windows");
    return wine;
  }

  /** Puts a Windows program where Windows sees it, and returns its path there. */
  async install(file: string): Promise<string> {
    await Deno.copyFile(file, join(this.root, "files/peer.exe"));
    return "/files/peer.exe";
  }

  /** The command line that starts a Windows program, named by its path below the root, in the folder `WIN_DIR`. */
  commandLine(words: readonly string[]): [command: string, ...args: string[]] {
    return ["chroot", this.root, "/start", ...words];
  }

  /** The command line that starts Deno, after `installDeno`. */
  denoLine(args: readonly string[]): [command: string, ...args: string[]] {
    return this.commandLine([this.#deno, ...args]);
  }

  /** The environment for Deno in a folder below the root. */
  denoEnvironment(folder: string): Record<string, string> {
    return { WIN_DIR: folder, DENO_DIR: "Z:\\denodir", NO_COLOR: "1" };
  }

  /** Makes a folder of the machine visible to Windows programs under the same path, until disposal. */
  async share(folder: string): Promise<AsyncDisposable> {
    const inside = join(this.root, folder);
    await ensureDir(inside);
    await run("mount", "--bind", folder, inside);
    return {
      [Symbol.asyncDispose]: async () => {
        await run("umount", "--lazy", inside);
        await Deno.remove(inside);
      },
    };
  }

  /**
   * The environment of a further Windows, by number: its programs know nothing of the others, and see the network of
   * the namespace in which the first of them is started.
   */
  async machine(number: number): Promise<Record<string, string>> {
    const prefix = `${PREFIX}-${number}`;
    const path = join(this.root, prefix);
    if (!await exists(path)) {
      // System files are the same, so they are linked; what Wine changes it writes anew.
      await run("cp", "-a", "--link", "--one-file-system", join(this.root, PREFIX), path);
    }
    await this.#mount(join(prefix, TEMP), "-t", "tmpfs", "peer-windows");
    return { WINEPREFIX: `/${prefix}` };
  }

  /**
   * Gives a machine a drive `P:` of 40 MiB that is empty, until disposal; what is in it is gone then. Returns its root
   * as Windows names it.
   */
  async smallDrive(number: number): Promise<{ readonly root: string } & AsyncDisposable> {
    const name = `files/drive-${number}`;
    const folder = join(this.root, name);
    // What a run that was cut off left there.
    await run("umount", "--lazy", folder).catch(() => {});
    await this.#mount(name, "-t", "tmpfs", "-o", "size=40m", "peer-windows");
    const link = join(this.root, `${PREFIX}-${number}`, "dosdevices/p:");
    await Deno.remove(link).catch(() => {});
    await Deno.symlink(`/${name}`, link);
    return { root: "P:\\", [Symbol.asyncDispose]: () => run("umount", "--lazy", folder) };
  }

  /** Ends all programs of a machine, whatever they do. */
  async endPrograms(environment: Readonly<Record<string, string>>): Promise<void> {
    const args = [this.root, "/usr/bin/env", `WINEPREFIX=${environment.WINEPREFIX}`, "HOME=/root"];
    await run("chroot", ...args, "/usr/lib/wine/wineserver64", "-k").catch(() => {});
  }

  get #deno(): string {
    return `/deno/${Deno.version.deno}/deno.exe`;
  }

  async #install(): Promise<void> {
    if (await exists(join(this.root, "usr/lib/wine/wine64"))) return;
    // What a run that was cut off left is of no use, but the system's own folders must not go with it.
    for (const name of ["dev", "proc"]) await run("umount", "--lazy", join(this.root, name)).catch(() => {});
    await run("rm", "-rf", "--one-file-system", this.root);
    await ensureDir(this.root);
    await run("debootstrap", "--variant=minbase", `--include=${PACKAGES}`, DEBIAN, this.root);
  }

  /** Puts the Deno of the version that runs this in place, for `deno`. */
  async installDeno(): Promise<void> {
    const { deno: version } = Deno.version;
    const path = join(this.root, this.#deno);
    if (await exists(path)) return;
    await ensureDir(join(path, ".."));
    const work = await Deno.makeTempDir();
    await run("npm", "pack", "--silent", "--pack-destination", work, `@deno/win32-x64@${version}`);
    const [{ name }] = [...Deno.readDirSync(work)];
    await run("tar", "-xzf", join(work, name), "-C", work);
    await run("mv", join(work, "package/deno.exe"), path);
    await Deno.remove(work, { recursive: true });
  }

  /** Fetches the packages that the project in a folder below the root uses: its tests run without a network. */
  async fetchPackages(folder: string): Promise<void> {
    const [command, ...args] = this.denoLine(["cache", "--quiet", "main.ts", "tests"]);
    await run(
      "env",
      ...Object.entries(this.denoEnvironment(folder)).map((pair) => pair.join("=")),
      command,
      ...args,
    );
  }

  /** Mounts at a folder below the root, unless something is mounted there. */
  async #mount(name: string, ...what: string[]): Promise<void> {
    const folder = join(this.root, name);
    await ensureDir(folder);
    const isMounted = (await Deno.readTextFile("/proc/self/mounts")).includes(` ${folder} `);
    if (!isMounted) await run("mount", ...what, folder);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
