/** Opens the door for programs of the same user: whoever may read the file in `state/` may steer. */
import { join } from "node:path";
import { messageOf, StorageError } from "../../errors.ts";
import { nurseryPath, socketPath, tokenFilePath } from "./control_place.ts";

/** Sockets that listen, and the token that their clients must show; undefined where the file's rights are enough. */
interface ControlDoor {
  readonly listening: readonly Deno.Listener<Deno.TcpConn | Deno.UnixConn>[];
  readonly token: string | undefined;
  /** The file by which clients find it. */
  readonly path: string;
}

/**
 * Opens the control socket, or a port of 127.0.0.1 with a token where a socket cannot be. The caller holds the lock of
 * `state/`, so a file that is there belongs to a process that has ended, and is replaced.
 *
 * Errors: `StorageError`.
 */
export async function openControlDoor(home: string, token: string): Promise<ControlDoor> {
  const socket = socketPath(home);
  const file = tokenFilePath(home);
  try {
    // A client must not find the door of an earlier run.
    await removeIfThere(file);
    return socket === undefined ? await openPort(file, token) : await openSocket(home, socket);
  } catch (error) {
    throw new StorageError(`cannot make ${socket ?? file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Removes the file of a door that is closed. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The socket is made in a folder of our own and moved once its rights are set, so nobody gets in meanwhile. */
async function openSocket(home: string, path: string): Promise<ControlDoor> {
  const nursery = nurseryPath(home);
  await Deno.remove(nursery, { recursive: true }).catch(() => {});
  await Deno.mkdir(nursery, { mode: 0o700 });
  const made = join(nursery, "control.sock");
  const listening = Deno.listen({ transport: "unix", path: made });
  try {
    await Deno.chmod(made, 0o600);
    await Deno.rename(made, path);
    await Deno.remove(nursery);
  } catch (error) {
    listening.close();
    throw error;
  }
  return { listening: [listening], token: undefined, path };
}

async function openPort(path: string, token: string): Promise<ControlDoor> {
  const listening = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listening.addr;
  const fresh = `${path}.new`;
  try {
    await removeIfThere(fresh);
    // The file never exists with other rights: they are given when it is made.
    await Deno.writeTextFile(fresh, JSON.stringify({ port, token }), { createNew: true, mode: 0o600 });
    await Deno.rename(fresh, path);
  } catch (error) {
    listening.close();
    throw error;
  }
  return { listening: [listening], token, path };
}
