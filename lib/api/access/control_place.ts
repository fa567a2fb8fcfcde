/** Where a running peer is steered from the same machine: a Unix socket in `state/`, or a port and a token there. */
import { join } from "node:path";
import { toUtf8 } from "../../protocol/bytes.ts";
import { API } from "../../settings.ts";

/** The folder in which the socket is made, where nobody else can reach it before its rights are set. */
export function nurseryPath(home: string): string {
  return join(home, "state", "control.new");
}

/** The path of the control socket; undefined where the system has none or the path is too long for one. */
export function socketPath(home: string): string | undefined {
  const longest = join(nurseryPath(home), "control.sock");
  const isTooLong = toUtf8(longest).length > API.maxSocketPath;
  return Deno.build.os === "windows" || isTooLong ? undefined : join(home, "state", "control.sock");
}

/** The file with the port and the token, where there is no socket. */
export function tokenFilePath(home: string): string {
  return join(home, "state", "control.json");
}

/** The content of that file. */
interface ControlToken {
  /** A port of 127.0.0.1. */
  readonly port: number;
  readonly token: string;
}

/** Reads the content of that file; undefined where it is no such thing. */
export function readControlToken(text: string): ControlToken | undefined {
  try {
    const { port, token } = JSON.parse(text);
    return Number.isInteger(port) && typeof token === "string" ? { port, token } : undefined;
  } catch {
    return undefined;
  }
}
