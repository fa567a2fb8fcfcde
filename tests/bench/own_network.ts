/** A network of the benchmark's own, so that its loopback interface carries nothing else. */
import { COMMON_SUBNET, OWN_SUBNET, OwnNetwork } from "../harness/processes/own_network.ts";

const MARK = "PEER_BENCH_OWN_NETWORK";

/** Whether this process already has one. */
export function hasOwnNetwork(): boolean {
  return Deno.env.has(MARK);
}

/**
 * The address of the program with this number; what is sent to it stays on the loopback interface. Each has its own, as
 * several clients want only one connection from an address.
 */
export function loopbackAddress(number = 0): string {
  return `${hasOwnNetwork() ? OWN_SUBNET : COMMON_SUBNET}.${1 + number}`;
}

/**
 * Runs this program again with the same arguments in a network namespace that has a loopback interface only.
 *
 * Returns its exit status; undefined where the system does not allow it.
 */
export async function runInOwnNetwork(mainModule: string): Promise<number | undefined> {
  await using network = await OwnNetwork.open();
  if (!network.isIsolated) return undefined;
  const args = ["run", "--quiet", "--allow-all", mainModule, ...Deno.args];
  const child = network.spawn(0, Deno.execPath(), args, { env: { [MARK]: "yes" } });
  // The child cleans up and ends; a second signal, as a terminal sends one to both, does no harm there.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => child.kill(signal));
  }
  return (await child.status).code;
}
