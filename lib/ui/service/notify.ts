import { env } from "node:process";
import { join } from "node:path";

/** The variable with the path of the socket at which systemd listens for messages of a service (sd_notify). */
const VARIABLE = "NOTIFY_SOCKET";

/** Tells systemd the state of its service. Does nothing outside a service, or where the variable may not be read. */
export class ServiceManager {
  readonly #path: string | undefined;

  constructor() {
    const mayRead = Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state === "granted";
    const path = mayRead ? env.NOTIFY_SOCKET : undefined;
    // A name that begins with `@` is an abstract socket, to which Deno cannot send.
    this.#path = path?.startsWith("/") ? path : undefined;
  }

  /** Tells that the service is ready. This process must be able to write to `folder`. */
  async ready(folder: string): Promise<void> {
    await this.#send("READY=1", folder);
  }

  /** Tells that the service is about to end. `folder` is as for `ready`. */
  async stopping(folder: string): Promise<void> {
    await this.#send("STOPPING=1", folder);
  }

  /** Sends a message. It may be lost: then systemd only takes the service for one that is still starting. */
  async #send(state: string, folder: string): Promise<void> {
    if (this.#path === undefined) return;
    const own = join(folder, `notify-${Deno.pid}`);
    let socket: Deno.DatagramConn | undefined;
    try {
      socket = Deno.listenDatagram({ transport: "unixpacket", path: own });
      await socket.send(new TextEncoder().encode(state), { transport: "unixpacket", path: this.#path });
    } catch {
      // The path of `folder` is too long for a socket, or systemd is gone.
    } finally {
      socket?.close();
      await Deno.remove(own).catch(() => {});
    }
  }
}
