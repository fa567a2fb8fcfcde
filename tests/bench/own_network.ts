/** A network of the benchmark's own, so that its loopback interface carries nothing else. */
const MARK = "PEER_BENCH_OWN_NETWORK";
/**
 * Its loopback interface answers to this whole subnet: Transmission connects to no peer in 127.0.0.0/8, and several
 * clients want only one connection from an address.
 */
const OWN_SUBNET = "10.0.0";
const COMMON_SUBNET = "127.0.0";

/** Whether this process already has one. */
export function hasOwnNetwork(): boolean {
  return Deno.env.has(MARK);
}

/** The address of the program with this number; what is sent to it stays on the loopback interface. */
export function loopbackAddress(number = 0): string {
  return `${hasOwnNetwork() ? OWN_SUBNET : COMMON_SUBNET}.${1 + number}`;
}

/**
 * Runs this program again with the same arguments in a network namespace that has a loopback interface only.
 *
 * Returns its exit status; undefined where the system does not allow it.
 */
export async function runInOwnNetwork(mainModule: string): Promise<number | undefined> {
  const isolate = await isolation();
  if (isolate === undefined) return undefined;
  const setUp = `ip link set lo up && ip address add ${OWN_SUBNET}.1/24 dev lo && exec "$@"`;
  const program = [Deno.execPath(), "run", "--quiet", "--allow-all", mainModule, ...Deno.args];
  const child = new Deno.Command("unshare", {
    args: [...isolate, "sh", "-c", setUp, "sh", ...program],
    env: { [MARK]: "yes" },
  }).spawn();
  // The child cleans up and ends; a second signal, as a terminal sends one to both, does no harm there.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => child.kill(signal));
  }
  return (await child.status).code;
}

/** The arguments of `unshare` that work here, as root or else with a user namespace. */
async function isolation(): Promise<string[] | undefined> {
  for (const args of [["--net"], ["--map-root-user", "--net"]]) {
    try {
      const { success } = await new Deno.Command("unshare", { args: [...args, "ip", "link"], stderr: "null" })
        .output();
      if (success) return args;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}
