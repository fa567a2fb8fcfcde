/** First and last port that may be tried. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Systems keep the ports below for privileged programs. */
const FIRST_FREE_FOR_ALL = 1024;

/** How often any free port is tried: what is to be opened may need it of TCP and of UDP, and the system knows of one. */
const TRIES_OF_ANY = 10;

/**
 * Opens something on a port: the one the user named (0: any free one), or the first free one of `ports` when
 * `port` is undefined.
 *
 * Errors: `AddrInUse` "port N is in use" (or "ports N to M are in use"); `PermissionDenied` that names the port; what
 * `open` throws otherwise.
 */
export function openOnFreePort<Opened>(
  port: number | undefined,
  ports: PortRange,
  open: (port: number) => Opened,
): Opened {
  const { first, last } = port === undefined ? ports : { first: port, last: port };
  const count = port === 0 ? TRIES_OF_ANY : last - first + 1;
  for (let tried = 0; tried < count; tried++) {
    const candidate = port === 0 ? 0 : first + tried;
    try {
      return open(candidate);
    } catch (error) {
      if (error instanceof Deno.errors.PermissionDenied) {
        throw new Deno.errors.PermissionDenied(
          `port ${candidate} is not allowed: ${error.message}; ports from ${FIRST_FREE_FOR_ALL} on need no rights`,
        );
      }
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Deno.errors.AddrInUse(
    first === last ? `port ${first} is in use` : `ports ${first} to ${last} are in use`,
  );
}

/**
 * Opens something on `host`, or on all addresses, IPv4 and IPv6, when it is undefined. `open` may be called with
 * port 0 once, and `portOf` tells what became of it.
 *
 * "::" takes IPv4 as well on most systems. Where it does not, a second one on "0.0.0.0" does; where it does, that
 * one is refused as in use. Without IPv6 there is only the second.
 */
export function openOnHost<Opened>(
  host: string | undefined,
  port: number,
  open: (hostname: string, port: number) => Opened,
  portOf: (opened: Opened) => number,
): Opened[] {
  if (host !== undefined) return [open(host, port)];
  let both: Opened;
  try {
    both = open("::", port);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return [open("0.0.0.0", port)];
  }
  try {
    return [both, open("0.0.0.0", portOf(both))];
  } catch {
    return [both];
  }
}
