import { findNodePackage, nodeLaunch } from "../node_packages.ts";
import type { InteropClient } from "./client.ts";

const SCRIPT = `
import WebTorrent from "webtorrent";

const job = JSON.parse(process.argv[1]);
const client = new WebTorrent({
  torrentPort: job.port,
  dht: false,
  lsd: job.localDiscovery,
  utp: false,
  natUpnp: false,
  natPmp: false,
  secure: job.mustEncrypt ? 2 : 1,
});
client.on("error", (error) => console.log(String(error)));
const torrent = client.add(job.torrent, { path: job.folder });
torrent.on("ready", () => console.log("ready", torrent.progress));
torrent.on("wire", (wire, address) => console.log("connected", address));
torrent.on("warning", (warning) => console.log(String(warning)));
torrent.on("done", () => console.log("done"));
`;

/** WebTorrent on Node. It listens on all addresses, as it has no option for that. */
export const webtorrent: InteropClient = {
  name: "WebTorrent",
  needs: "webtorrent",
  cannot: {
    "PEX to us": "tells nobody of its peers, it only listens (webtorrent/webtorrent#2919)",
  },
  find: () => findNodePackage("webtorrent"),
  prepare: (job) => Promise.resolve(nodeLaunch(SCRIPT, [JSON.stringify(job)])),
};
