import assert from "node:assert/strict";
import { openOnFreePort, openOnHost } from "../../../lib/net/addresses/free_port.ts";

const PORTS = { first: 10, last: 12 };

/** Opens any port that is not in `busy`. */
function opener(...busy: number[]): (port: number) => number {
  return (port) => {
    if (busy.includes(port)) throw new Deno.errors.AddrInUse();
    return port;
  };
}

Deno.test("openOnFreePort takes the first free port of the range", () => {
  assert.equal(openOnFreePort(undefined, PORTS, opener()), 10);
  assert.equal(openOnFreePort(undefined, PORTS, opener(10, 11)), 12);
  assert.throws(() => openOnFreePort(undefined, PORTS, opener(10, 11, 12)), {
    message: "ports 10 to 12 are in use",
  });
});

Deno.test("openOnFreePort takes the named port or none", () => {
  assert.equal(openOnFreePort(0, PORTS, opener()), 0);
  assert.throws(() => openOnFreePort(10, PORTS, opener(10)), { message: "port 10 is in use" });
});

Deno.test("openOnFreePort names a port that is not allowed, and passes other failures on", () => {
  const failing = (error: Error) => () => {
    throw error;
  };
  const denied = failing(new Deno.errors.PermissionDenied("no"));
  assert.throws(() => openOnFreePort(80, PORTS, denied), (error) => {
    assert.ok(error instanceof Deno.errors.PermissionDenied);
    assert.match(error.message, /^port 80 is not allowed: no; ports from 1024 on need no rights$/);
    return true;
  });
  assert.throws(
    () => openOnFreePort(undefined, PORTS, failing(new Deno.errors.AddrNotAvailable())),
    Deno.errors.AddrNotAvailable,
  );
});

Deno.test("openOnHost covers IPv4 and IPv6 whatever the system does", () => {
  const hosts = (allowed: (host: string) => boolean) =>
    openOnHost(undefined, 0, (host, port) => {
      if (!allowed(host)) throw new Deno.errors.AddrNotAvailable();
      return { host, port: port === 0 ? 99 : port };
    }, ({ port }) => port);
  assert.deepEqual(hosts(() => true), [{ host: "::", port: 99 }, { host: "0.0.0.0", port: 99 }]);
  assert.deepEqual(hosts((host) => host === "::"), [{ host: "::", port: 99 }]);
  assert.deepEqual(hosts((host) => host === "0.0.0.0"), [{ host: "0.0.0.0", port: 99 }]);
});
