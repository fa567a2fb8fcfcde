import { findProgram, type InteropClient } from "./client.ts";

const PREFER_ENCRYPTION = 1;
const REQUIRE_ENCRYPTION = 2;

/** Transmission, through its command line program, which stands on the same library as all its others. */
export const transmission: InteropClient = {
  name: "Transmission",
  needs: "transmission-cli",
  cannot: {},
  omitsEmptyFiles: "creates no empty files (transmission/transmission#417)",

  find: () => findProgram("transmission-cli", ["--version"], /transmission-cli ([\d.]+)/),

  async prepare(job) {
    await Deno.writeTextFile(
      `${job.home}/settings.json`,
      JSON.stringify({
        "bind-address-ipv4": job.address,
        "bind-address-ipv6": "::1",
        "blocklist-enabled": false,
        "dht-enabled": false,
        "encryption": job.mustEncrypt ? REQUIRE_ENCRYPTION : PREFER_ENCRYPTION,
        "incomplete-dir-enabled": false,
        "lpd-enabled": job.localDiscovery,
        "port-forwarding-enabled": false,
        "rename-partial-files": false,
        "rpc-enabled": false,
        "utp-enabled": false,
      }),
    );
    return {
      command: "transmission-cli",
      args: [
        `--config-dir=${job.home}`,
        `--download-dir=${job.folder}`,
        `--port=${job.port}`,
        "--no-portmap",
        job.torrent,
      ],
      cwd: job.home,
    };
  },
};
