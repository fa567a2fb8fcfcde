import assert from "node:assert/strict";
import { PinnedClient } from "../../../lib/net/http/pinned_client.ts";

/** Answers one request; resolves with the lines of its head. */
async function readRequest(listener: Deno.Listener): Promise<string[]> {
  using connection = await listener.accept();
  const bytes = new Uint8Array(4096);
  const length = await connection.read(bytes);
  await connection.write(new TextEncoder().encode("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
  return new TextDecoder().decode(bytes.subarray(0, length!)).split("\r\n");
}

for (const address of ["127.0.0.1", "::1"]) {
  Deno.test(`PinnedClient connects to ${address}, whatever the name in the URL stands for`, async () => {
    using listener = Deno.listen({ hostname: address, port: 0 });
    // A name that no resolver knows, and one that it knows as something else.
    for (const name of ["tracker.invalid", "localhost", "192.0.2.1"]) {
      const url = new URL(`http://${name}:${listener.addr.port}/announce?info_hash=%FF%a0'~&port=1`);
      using client = new PinnedClient({ url, address });
      const [request, response] = await Promise.all([
        readRequest(listener),
        client.fetch(url, { headers: { "x-more": "kept" } }),
      ]);
      assert.equal(response.status, 204);
      // Trackers and old web servers know no request that names more than the path.
      assert.equal(request[0], "GET /announce?info_hash=%FF%a0%27~&port=1 HTTP/1.1");
      assert.ok(request.includes(`host: ${url.host}`), request.join("\n"));
      assert.ok(request.includes("x-more: kept"), request.join("\n"));
    }
  });
}
