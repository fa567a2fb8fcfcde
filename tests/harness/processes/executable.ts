/** A compiled program, made for this system or another, and how it is run here. */
import { Wine } from "../../windows/wine.ts";

/** Where the libraries of Linux on arm64 lie (Debian: libc6-arm64-cross, libgcc-s1-arm64-cross). */
const ARM64_LIBRARIES = "/usr/aarch64-linux-gnu";
/** One without pointer authentication, which takes three quarters of the time to emulate. */
const ARM64_CPU = "cortex-a57";
const WINDOWS = "x86_64-pc-windows-msvc";
const NATIVE: Readonly<Record<string, string>> = {
  "linux x86_64": "x86_64-unknown-linux-gnu",
  "linux aarch64": "aarch64-unknown-linux-gnu",
  "darwin x86_64": "x86_64-apple-darwin",
  "darwin aarch64": "aarch64-apple-darwin",
  "windows x86_64": WINDOWS,
};

/** The system this process runs on, as `deno compile --target` names it. */
export const NATIVE_TARGET: string = NATIVE[`${Deno.build.os} ${Deno.build.arch}`] ?? Deno.build.target;

/** One executable file that can be started here: as it is, or under qemu or Wine. */
export class Executable {
  readonly target: string;
  readonly #wine: Wine | undefined;
  readonly #first: readonly string[];

  private constructor(target: string, first: readonly string[], wine?: Wine) {
    this.target = target;
    this.#first = first;
    this.#wine = wine;
  }

  /** Whether an executable for a target can be run on this machine; Wine is made ready when it is needed. */
  static canRun(target: string): boolean {
    if (target === NATIVE_TARGET) return true;
    if (target === WINDOWS) return Wine.unavailable() === undefined;
    return target === "aarch64-unknown-linux-gnu" && Deno.build.os === "linux";
  }

  /** The executable at `path`, made for `target`. Errors: `Error` when Wine cannot be made ready. */
  static async at(path: string, target: string = NATIVE_TARGET): Promise<Executable> {
    const file = Deno.realPathSync(path);
    if (target === NATIVE_TARGET) return new Executable(target, [file]);
    if (target !== WINDOWS) {
      return new Executable(target, ["qemu-aarch64-static", "-cpu", ARM64_CPU, "-L", ARM64_LIBRARIES, file]);
    }
    const wine = await Wine.prepare();
    return new Executable(target, wine.commandLine([await wine.install(file)]), wine);
  }

  get isWindows(): boolean {
    return this.target === WINDOWS;
  }

  /** Lets the program see a folder of the machine, under the same path, until disposal. */
  async share(folder: string): Promise<AsyncDisposable> {
    return await this.#wine?.share(folder) ?? { [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  /** The environment of a host of its own on a LAN, by number. */
  async hostEnvironment(number: number): Promise<Record<string, string>> {
    return await this.#wine?.machine(number) ?? {};
  }

  /** The command line that starts it with these arguments; a folder to start in may stand in `WIN_DIR`. */
  commandLine(args: readonly string[]): [command: string, ...args: string[]] {
    const [command, ...first] = this.#first;
    return [command, ...first, ...args];
  }

  /** A process of it that is still to be started, without input. */
  with(args: readonly string[], options: Deno.CommandOptions = {}): Deno.Command {
    const [command, ...all] = this.commandLine(args);
    const folder = options.cwd === undefined ? "/" : String(options.cwd);
    const env = this.isWindows ? { ...options.env, WIN_DIR: folder } : options.env ?? {};
    return new Deno.Command(command, { stdin: "null", ...options, env, args: all });
  }
}
