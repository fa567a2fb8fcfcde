import assert from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import { addNamedPeers } from "../../../lib/net/discovery/named_peers.ts";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { until } from "../../harness/sessions/loopback_node.ts";

/** Adds peers and gives what came of them: endpoints that were added, and lines of the log. */
function add(...peers: string[]) {
  const added: string[] = [];
  const lines: string[] = [];
  const swarm = {
    addPeers: (endpoints: readonly { address: string; port: number }[]) =>
      added.push(...endpoints.map(formatEndpoint)),
  };
  const stopping = new AbortController();
  addNamedPeers(swarm, peers, stopping.signal, createLogger("warn", (line) => lines.push(line)));
  return { added, lines, stopping };
}

Deno.test("addNamedPeers adds addresses at once", () => {
  const { added } = add("10.0.0.5:6881", "[fd00::5]:1");
  assert.deepEqual(added, ["10.0.0.5:6881", "[fd00::5]:1"]);
});

Deno.test("addNamedPeers resolves names", async () => {
  const { added } = add("10.0.0.5:6881", "localhost:7000");
  assert.deepEqual(added, ["10.0.0.5:6881"]);
  await until(() => added.length > 1, "resolved");
  assert(added.includes("127.0.0.1:7000") || added.includes("[::1]:7000"));
});

Deno.test("addNamedPeers tells of what stands for no peer, unless it is too late", async () => {
  const { lines } = add("nobody");
  await until(() => lines.length === 1, "told");
  assert.match(lines[0], /peer nobody: Expected HOST:PORT, got nobody/);
  const late = add("localhost:7000");
  late.stopping.abort();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([late.added, late.lines], [[], []]);
});
