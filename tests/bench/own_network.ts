/** A network of the benchmark's own, so that its loopback interface carries nothing else. */
const MARK = "PEER_BENCH_OWN_NETWORK";
/** Given to its loopback interface, because Transmission connects to no peer in 127.0.0.0/8. */
const OWN_ADDRESS = "10.0.0.1";

/** Whether this process already has one. */
export function hasOwnNetwork(): boolean {
  return Deno.env.has(MARK);
}

/** The address at which everybody listens; what is sent to it stays on the loopback interface. */
export function loopbackAddress(): string {
  return hasOwnNetwork() ? OWN_ADDRESS : "127.0.0.1";
}

/**
 * Runs this program again with the same arguments in a network namespace that has a loopback interface only.
 *
 * Returns its exit status; undefined where the system does not allow it.
 */
export async function runInOwnNetwork(mainModule: string): Promise<number | undefined> {
  const isolate = await isolation();
  if (isolate === undefined) return undefined;
  const setUp = `ip link set lo up && ip address add ${OWN_ADDRESS}/32 dev lo && exec "$@"`;
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
