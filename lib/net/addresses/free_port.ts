/** The first and the last port that may be tried. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** The lowest port that needs no rights: systems keep lower ones for privileged programs. */
const FIRST_FREE_FOR_ALL = 1024;

/** Tries of any free port: the port may be needed for TCP and UDP, and the system looks for one of them only. */
const TRIES_OF_ANY = 10;

/**
 * Opens something on the port that the user named (0 stands for any free port), or on the first free port of `ports`
 * when `port` is undefined.
 *
 * Errors: `AddrInUse` "port N is in use" (or "ports N to M are in use"); `PermissionDenied` that names the port; any
 * other error of `open`.
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
 * Opens something on `host`, or on all addresses, IPv4 and IPv6, when `host` is undefined. `portOf` returns the port
 * that the system chose where `port` is 0.
 *
 * On most systems "::" takes IPv4 as well, and a second one on "0.0.0.0" is refused as in use. On other systems that
 * second one takes IPv4. Without IPv6, only the one on "0.0.0.0" is opened.
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
