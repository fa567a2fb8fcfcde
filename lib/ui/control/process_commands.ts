/** `peer web`, `ban`, `unban` and `stop`: the running process itself. */
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { printable } from "../../log.ts";
import { EXIT, type ExitCode, Failure } from "../failure.ts";
import { printResult, type Remote, type RemoteOptions } from "./remote.ts";

/** The time between two looks whether the process has ended, in milliseconds. */
const LOOK_EVERY_MS = 50;
/** How long a clean stop may take: trackers are told, blocks are written and synced. */
const STOP_TIMEOUT_MS = 60_000;

/** Prints the address of the page with its token. Errors: `Failure` where no page is served. */
export async function web(remote: Remote, { json }: RemoteOptions): Promise<ExitCode> {
  const { page, addresses } = await remote.get("/web") as { page?: string; addresses?: readonly string[] };
  if (page === undefined) {
    throw new Failure(EXIT.failed, "web", "the running peer serves no page: start it without --no-web");
  }
  printResult(json, { page, addresses }, () => [page]);
  return EXIT.ok;
}

/** Bans addresses for all torrents, or takes bans back, and prints those that are banned then. */
export async function changeBans(
  remote: Remote,
  order: "ban" | "unban",
  addresses: readonly string[],
  { json }: RemoteOptions,
): Promise<ExitCode> {
  for (const address of addresses) await remote.post(`/session/${order}`, { address });
  const { bans } = await remote.get("/session") as { readonly bans: readonly string[] };
  printResult(json, bans, () => bans.length === 0 ? ["no address is banned"] : bans.map(printable));
  return EXIT.ok;
}

/** Asks the process to stop cleanly, and waits until it has ended. Errors: `Failure` where it takes too long. */
export async function stop(remote: Remote, { json, home }: RemoteOptions): Promise<ExitCode> {
  await remote.post("/session/stop").catch((error) => {
    // The process may end before its answer is out.
    if (!(error instanceof TypeError)) throw error;
  });
  const folder = resolve(home);
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  const { isInUse } = await import("./home_in_use.ts");
  while (await isInUse(folder)) {
    if (performance.now() > deadline) {
      throw new Failure(
        EXIT.failed,
        "stop",
        `the peer in ${folder} is still stopping; look again in a moment`,
      );
    }
    await delay(LOOK_EVERY_MS);
  }
  printResult(json, { stopped: true, home: folder }, () => [`the peer in ${folder} has stopped`]);
  return EXIT.ok;
}
