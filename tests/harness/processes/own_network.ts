/**
 * A network of its own for some processes: nothing that runs in it can reach any other, not even this machine.
 *
 * It is a network namespace whose loopback interface has a /24 of private addresses, because Transmission
 * connects to no peer in 127.0.0.0/8. Where the system allows no namespace, it is the machine's own loopback.
 */

/** Subnets of the addresses: of a network of its own, and of the machine's loopback. */
export const OWN_SUBNET = "10.0.0";
export const COMMON_SUBNET = "127.0.0";

/** Ways to make a namespace, and the options that lead into it again: as root, or else by a user namespace. */
const WAYS = [
  { unshare: ["--net"], nsenter: ["--net"] },
  { unshare: ["--map-root-user", "--net"], nsenter: ["--user", "--net", "--preserve-credentials"] },
];

// All addresses of a network on a loopback interface are its own, not only the one that is named.
const SET_UP = `ip link set lo up && ip address add ${OWN_SUBNET}.1/24 dev lo && echo ready && exec cat`;

/** Where some processes run. Dispose of it after them. */
export class OwnNetwork implements AsyncDisposable {
  readonly #subnet: string;
  readonly #enter: readonly string[];
  readonly #keeper: Deno.ChildProcess | undefined;

  private constructor(subnet: string, enter: readonly string[], keeper?: Deno.ChildProcess) {
    this.#subnet = subnet;
    this.#enter = enter;
    this.#keeper = keeper;
  }

  static async open(): Promise<OwnNetwork> {
    for (const { unshare, nsenter } of WAYS) {
      const keeper = await startKeeper(unshare);
      if (keeper === undefined) continue;
      return new OwnNetwork(OWN_SUBNET, ["nsenter", `--target=${keeper.pid}`, ...nsenter, "--"], keeper);
    }
    return new OwnNetwork(COMMON_SUBNET, []);
  }

  /** Whether it is a namespace, and not the machine's own loopback. */
  get isIsolated(): boolean {
    return this.#keeper !== undefined;
  }

  address(participant: number): string {
    return `${this.#subnet}.${participant}`;
  }

  spawn(
    _participant: number,
    command: string,
    args: string[],
    options: Deno.CommandOptions,
  ): Deno.ChildProcess {
    const [first, ...rest] = [...this.#enter, command, ...args];
    return new Deno.Command(first, { ...options, args: rest }).spawn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper?.stdin.close();
    await this.#keeper?.stdout.cancel();
    await this.#keeper?.status;
  }
}

/** The process that keeps a namespace alive until its input ends; undefined when there can be none. */
async function startKeeper(unshare: readonly string[]): Promise<Deno.ChildProcess | undefined> {
  const args = [...unshare, "sh", "-c", SET_UP];
  try {
    const keeper = new Deno.Command("unshare", { args, stdin: "piped", stdout: "piped", stderr: "null" })
      .spawn();
    const reader = keeper.stdout.getReader();
    const { done } = await reader.read();
    reader.releaseLock();
    if (!done) return keeper;
    await keeper.stdin.close();
    await keeper.status;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return undefined;
}
