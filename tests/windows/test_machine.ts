import { run } from "./commands.ts";
import type { Wine } from "./wine.ts";

/** A job that takes longer hangs. */
const TIMEOUT_MS = 15 * 60_000;

/**
 * A Windows for tests: with a small drive that they may fill, and a network of loopback alone. At an address of an
 * interface Wine opens a UDP socket for all addresses in truth, so that none can be opened for another address on the
 * same port; Windows and the UDP tracker do so.
 */
export class TestMachine implements AsyncDisposable {
  readonly #wine: Wine;
  readonly #namespace: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #end: AsyncDisposableStack;

  private constructor(
    wine: Wine,
    namespace: string,
    environment: Readonly<Record<string, string>>,
    end: AsyncDisposableStack,
  ) {
    this.#wine = wine;
    this.#namespace = namespace;
    this.#environment = environment;
    this.#end = end;
  }

  /** The machine of this number, as new. Errors: `Error` with the words of a tool that failed. */
  static async start(wine: Wine, number: number): Promise<TestMachine> {
    await using parts = new AsyncDisposableStack();
    const namespace = `peer-windows-${number}`;
    const environment = await wine.machine(number);
    // Programs that a run left when it was cut off hold the network of that run.
    await wine.endPrograms(environment);
    await run("ip", "netns", "delete", namespace).catch(() => {});
    await run("ip", "netns", "add", namespace);
    parts.defer(() => run("ip", "netns", "delete", namespace));
    await run("ip", "-netns", namespace, "link", "set", "lo", "multicast", "on", "up");
    const drive = parts.use(await wine.smallDrive(number));
    parts.defer(() => wine.endPrograms(environment));
    const all = { ...environment, PEER_TEST_DRIVE: drive.root };
    return new TestMachine(wine, namespace, all, parts.move());
  }

  /**
   * Runs `deno test` in a folder below Wine's root for these paths but the `others`; shows in one piece what it said.
   * Resolves with whether all tests passed.
   */
  async test(
    folder: string,
    paths: readonly string[],
    others: readonly string[],
    stop: AbortSignal,
  ): Promise<boolean> {
    const startedAt = performance.now();
    const flags = ["--allow-all", "--no-check", "--quiet", ...others.map((path) => `--ignore=${path}`)];
    const [command, ...args] = this.#wine.denoLine(["test", ...flags, ...paths]);
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", this.#namespace, command, ...args],
      env: { ...this.#wine.denoEnvironment(folder), ...this.#environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const limit = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]);
    const end = () => void this.#wine.endPrograms(this.#environment);
    limit.addEventListener("abort", end);
    const { success, stdout, stderr } = await child.output();
    limit.removeEventListener("abort", end);
    // Programs that the tests have left must not disturb the next ones.
    await this.#wine.endPrograms(this.#environment);
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const ending = limit.aborted ? ", cut off" : "";
    // A list of addresses that nobody can read follows each failure.
    const shown = text.replace(/\nStack backtrace:[^]*/, "");
    console.log(`\n== Windows: ${paths.join(" ")} (${seconds} s${ending})\n${shown}`);
    return success && !limit.aborted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end[Symbol.asyncDispose]();
  }
}
