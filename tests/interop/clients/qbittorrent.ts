import { findProgram, type InteropClient } from "./client.ts";

const ALLOW_ENCRYPTION = 0;
const REQUIRE_ENCRYPTION = 1;

/** qBittorrent without a window. */
export const qbittorrent: InteropClient = {
  name: "qBittorrent",
  needs: "qbittorrent-nox",
  cannot: {},

  find: () => findProgram("qbittorrent-nox", ["--version"], /qBittorrent v([\d.]+)/),

  async prepare(job) {
    const folder = `${job.home}/qBittorrent/config`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/qBittorrent.conf`,
      `[LegalNotice]
Accepted=true

[Preferences]
WebUI\\Address=${job.address}

[Network]
PortForwardingEnabled=false

[BitTorrent]
Session\\BTProtocol=TCP
Session\\DHTEnabled=false
Session\\LSDEnabled=${job.localDiscovery}
Session\\Encryption=${job.mustEncrypt ? REQUIRE_ENCRYPTION : ALLOW_ENCRYPTION}
Session\\InterfaceAddress=${job.address}
Session\\Port=${job.port}
Session\\DefaultSavePath=${job.folder}
Session\\TempPathEnabled=false
`,
    );
    return {
      command: "qbittorrent-nox",
      args: [`--profile=${job.home}`, `--save-path=${job.folder}`, "--add-paused=false", job.torrent],
      cwd: job.home,
    };
  },
};
