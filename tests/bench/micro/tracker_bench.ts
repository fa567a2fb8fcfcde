import { TrackerServer } from "../../../lib/net/tracker/tracker_server.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import { encodeReply } from "../../../lib/protocol/http_reply.ts";
import { parseHttpRequest } from "../../../lib/protocol/http_request.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";

const table = new TrackerTable({ open: true, random: Math.random, ownAddressFor: () => undefined });
const server = new TrackerServer({
  registry: {
    announce: (request, address, now, sender) => table.announce(request, address, now, sender),
    scrape: (infoHash) => table.scrape(infoHash),
  },
  now: () => performance.now(),
});
const [, announce] = server.routes()[0];
const requests = Array.from({ length: 100 }, (_, i) =>
  toUtf8(
    `GET /announce?info_hash=${"%aa".repeat(20)}&peer_id=-BN0000-${String(i).padStart(12, "0")}` +
      `&port=${1024 + i}&uploaded=0&downloaded=0&left=${i % 2}&compact=1&numwant=50 HTTP/1.1\r\n` +
      "Host: 127.0.0.1:6969\r\nConnection: keep-alive\r\n\r\n",
  ));
const client = { address: "127.0.0.1", port: 40_000 };
let next = 0;

function answer(): void {
  const reply = announce(parseHttpRequest(requests[next++ % requests.length]), client);
  if ("answer" in reply || !(reply.body instanceof Uint8Array)) throw new TypeError("Expected a whole reply");
  encodeReply(reply, reply.body, true);
}

for (const _ of requests) answer();

Deno.bench("an announce among 100 peers, without the socket", { group: "tracker" }, answer);
