import { findProgram, type InteropClient } from "./client.ts";

/** aria2, whose whole configuration fits on its command line. */
export const aria2: InteropClient = {
  name: "aria2",
  needs: "aria2c",
  cannot: {},

  find: () => findProgram("aria2c", ["--no-conf", "--version"], /version ([\d.]+)/),

  prepare: (job) =>
    Promise.resolve({
      command: "aria2c",
      args: [
        "--no-conf",
        // UDP trackers work only beside the DHT, which has no entry point here.
        "--enable-dht=true",
        `--dht-listen-port=${job.port}`,
        `--dht-file-path=${job.home}/dht.dat`,
        "--enable-dht6=false",
        "--disable-ipv6",
        `--bt-enable-lpd=${job.localDiscovery}`,
        `--bt-force-encryption=${job.mustEncrypt}`,
        `--interface=${job.address}`,
        `--listen-port=${job.port}`,
        `--dir=${job.folder}`,
        "--check-integrity=true",
        "--allow-overwrite=true",
        "--file-allocation=none",
        "--seed-ratio=0.0",
        "--show-console-readout=false",
        job.torrent,
      ],
      cwd: job.home,
    }),
};
