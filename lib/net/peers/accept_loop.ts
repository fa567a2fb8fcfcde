import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { sleep } from "./rate_limiter.ts";

/** Pause after the system refused to accept for want of something: it takes others a moment to give it back. */
const PAUSE_MS = 500;

/** What a system runs out of: descriptors of the process or of the machine, and memory for sockets. */
const SHORTAGES = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

/** Who accepts, and what for. */
interface AcceptOptions {
  /** Takes a connection over. What it throws is a connection that was reset meanwhile: the loop closes it. */
  readonly take: (connection: Deno.TcpConn) => void;
  /** Ends the loop; the caller closes the listeners. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Who cannot accept, for the log. */
  readonly name: string;
}

/**
 * Accepts connections of several listeners until `signal` aborts. Never rejects.
 *
 * A client that resets its connection at once (a port scan, a health check, an attack) makes `accept` reject, too.
 * That client is gone and the next one waits, so the loop goes on without a pause; it pauses only where trying again
 * cannot help: the system lacks something, or the listener itself is broken.
 */
export async function acceptConnections(
  listeners: readonly Pick<Deno.TcpListener, "accept">[],
  options: AcceptOptions,
): Promise<void> {
  await Promise.all(listeners.map((listener) => acceptFrom(listener, options)));
}

async function acceptFrom(
  listener: Pick<Deno.TcpListener, "accept">,
  { take, signal, log, name }: AcceptOptions,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await listener.accept();
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
      log.warn(`${name} cannot accept: ${messageOf(error)}`);
      await sleep(PAUSE_MS, signal).catch(() => {});
    }
  }
}

/** Whether an error of `accept` is about the connection that it took off the queue: the system names those by a code. */
function isOfOneConnection(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && !SHORTAGES.includes(code);
}
