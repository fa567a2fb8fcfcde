import assert from "node:assert/strict";
import { pinnedClient } from "../../lib/net/pinned_client.ts";

for (const address of ["127.0.0.1", "::1"]) {
  Deno.test(`pinnedClient connects to ${address}, whatever the name in the URL stands for`, async () => {
    const server = Deno.serve(
      { hostname: address, port: 0, onListen() {} },
      ({ headers }) => new Response(headers.get("host")),
    );
    try {
      // A name that no resolver knows, and one that it knows as something else.
      for (const name of ["tracker.invalid", "localhost", "192.0.2.1"]) {
        const url = new URL(`http://${name}:${server.addr.port}/announce`);
        using client = pinnedClient({ url, address });
        assert.equal(await (await fetch(url, { client })).text(), url.host);
      }
    } finally {
      await server.shutdown();
    }
  });
}
