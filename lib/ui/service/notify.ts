import { env } from "node:process";
import { join } from "node:path";

/** The variable by which systemd says where it wants to hear of a service (sd_notify). */
const VARIABLE = "NOTIFY_SOCKET";

/** Tells systemd how a service fares; nobody, where this is none or the variable may not be read. */
export class ServiceManager {
  readonly #path: string | undefined;

  constructor() {
    const mayRead = Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state === "granted";
    const path = mayRead ? env.NOTIFY_SOCKET : undefined;
    // What begins with `@` is no file, and Deno cannot send there.
    this.#path = path?.startsWith("/") ? path : undefined;
  }

  /** The service is ready. `folder` is one that this process may write to. */
  async ready(folder: string): Promise<void> {
    await this.#send("READY=1", folder);
  }

  /** The service is about to end. */
  async stopping(folder: string): Promise<void> {
    await this.#send("STOPPING=1", folder);
  }

  /** A lost message means no more than a service that is said to start for longer than it does. */
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
