import { findProgram, type InteropClient } from "./client.ts";

const NO_LOCAL_DISCOVERY = "has no local discovery (rakshasa/rtorrent#1177)";

/** rTorrent, without its screen. */
export const rtorrent: InteropClient = {
  name: "rTorrent",
  needs: "rtorrent",
  cannot: { "LSD from us": NO_LOCAL_DISCOVERY, "LSD to us": NO_LOCAL_DISCOVERY },

  find: () => findProgram("rtorrent", ["-h"], /client version ([\d.]+\d)/),

  async prepare(job) {
    const encryption = job.mustEncrypt ? "require,require_RC4,allow_incoming,try_outgoing" : "allow_incoming";
    await Deno.mkdir(`${job.home}/session`);
    await Deno.writeTextFile(
      `${job.home}/rtorrent.rc`,
      `system.daemon.set = true
session.path.set = ${job.home}/session
directory.default.set = ${job.folder}
network.bind_address.set = ${job.address}
network.local_address.set = ${job.address}
network.port_range.set = ${job.port}-${job.port}
network.port_random.set = no
dht.mode.set = disable
protocol.pex.set = yes
protocol.encryption.set = ${encryption}
schedule2 = join, 0, 0, "load.start=${job.torrent}"
`,
    );
    return {
      command: "rtorrent",
      args: ["-n", "-o", `import=${job.home}/rtorrent.rc`],
      cwd: job.home,
    };
  },
};
