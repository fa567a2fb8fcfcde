import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { sleep } from "./rate_limiter.ts";

/** Pause after the system lacked the means to accept: connections need a moment to close and give them back. */
const PAUSE_MS = 500;

/** Errors of a system that lacks descriptors, of the process or the machine, or memory for sockets. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

/** How connections are accepted and what happens to them. */
interface AcceptOptions<Connection extends Deno.Conn> {
  /** Takes a connection over. It throws where the connection was reset meanwhile; then the loop closes it. */
  readonly take: (connection: Connection) => void;
  /** Ends the loop; the caller closes the listeners. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Name of the server, for the log. */
  readonly name: string;
}

/**
 * Accepts connections of several listeners until `signal` aborts. Never rejects.
 *
 * `accept` also rejects when a client resets its connection at once (a port scan, a health check, an attack). That
 * client is gone and the next one waits, so the loop goes on without a pause. It pauses only where another try cannot
 * help yet: the system lacks something, or the listener itself is broken.
 */
export async function acceptConnections<Connection extends Deno.Conn>(
  listeners: readonly Pick<Deno.Listener<Connection>, "accept">[],
  options: AcceptOptions<Connection>,
): Promise<void> {
  await Promise.all(listeners.map((listener) => acceptFrom(listener, options)));
}

async function acceptFrom<Connection extends Deno.Conn>(
  listener: Pick<Deno.Listener<Connection>, "accept">,
  { take, signal, log, name }: AcceptOptions<Connection>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await listener.accept();
      log.works(name);
      try {
        take(connection);
      } catch (error) {
        log.debug(`connection lost: ${messageOf(error)}`);
        connection.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isOfOneConnection(error)) {
        log.debug(`connection lost: ${messageOf(error)}`);
        continue;
      }
      log.warn(`${name} cannot accept: ${messageOf(error)}`, name);
      await sleep(PAUSE_MS, signal).catch(() => {});
    }
  }
}

/** Whether an error of `accept` concerns the one connection that it took off the queue: such errors have a code. */
function isOfOneConnection(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && !SHORTAGES.includes(code);
}
