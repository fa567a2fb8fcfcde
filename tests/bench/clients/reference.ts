/** The clients of the interoperability tests as contenders: each only lacks a word when it is complete. */
import { freePort } from "../../interop/arena.ts";
import { aria2 as interopAria2 } from "../../interop/clients/aria2.ts";
import type { InteropClient } from "../../interop/clients/client.ts";
import { qbittorrent as interopQbittorrent } from "../../interop/clients/qbittorrent.ts";
import { rtorrent as interopRtorrent } from "../../interop/clients/rtorrent.ts";
import { transmission as interopTransmission } from "../../interop/clients/transmission.ts";
import { webtorrent as interopWebtorrent } from "../../interop/clients/webtorrent.ts";
import type { Launch } from "../../harness/processes/running_process.ts";
import type { Contender, Part, Start } from "./contender.ts";

/** Adds to a prepared client what makes it run `doneCommand`, an executable file, once it is complete. */
type Announce = (launch: Launch, part: Part, doneCommand: string) => Promise<Start> | Start;

function contender(client: InteropClient, announce: Announce): Contender {
  return {
    name: client.name,
    find: client.find,
    dataFolder: ({ home }) => `${home}/data`,
    async prepare(part) {
      const { torrent, home, address, port } = part;
      const launch = await client.prepare({
        torrent,
        folder: this.dataFolder(part),
        home,
        address,
        port,
        mustEncrypt: false,
        localDiscovery: false,
      });
      const doneCommand = `${home}/done.sh`;
      await Deno.writeTextFile(doneCommand, `#!/bin/sh\ntouch '${home}/done'\n`, { mode: 0o755 });
      return { doneFile: `${home}/done`, ...await announce(launch, part, doneCommand) };
    },
  };
}

/** The options stand before the torrent, which comes last. */
function withOptions(launch: Launch, ...options: string[]): Launch {
  return { ...launch, args: [...launch.args.slice(0, -1), ...options, ...launch.args.slice(-1)] };
}

/** aria2; its hook runs before it goes on seeding. */
export const aria2 = contender(interopAria2, (launch, _part, doneCommand) => ({
  launch: withOptions(launch, `--on-bt-download-complete=${doneCommand}`),
}));

/** rTorrent, without its second check of everything at the end. */
export const rtorrent = contender(interopRtorrent, async (launch, { home }, doneCommand) => {
  const settings = [
    `method.set_key = event.download.finished, done, "execute.nothrow=${doneCommand}"`,
    // Every piece has been checked as it came, as with all others.
    "pieces.hash.on_completion.set = no",
  ];
  await Deno.writeTextFile(`${home}/rtorrent.rc`, `${settings.join("\n")}\n`, { append: true });
  return { launch };
});

/** qBittorrent without a window; its hook comes up to a second late. */
export const qbittorrent = contender(interopQbittorrent, async (launch, { home }, doneCommand) => {
  const setting = `\n[AutoRun]\nenabled=true\nprogram=${doneCommand}\n`;
  await Deno.writeTextFile(`${home}/qBittorrent/config/qBittorrent.conf`, setting, { append: true });
  return { launch: withOptions(launch, `--webui-port=${freePort()}`) };
});

/** Transmission's command line program. */
export const transmission = contender(interopTransmission, (launch, _part, doneCommand) => ({
  launch: withOptions(launch, `--finish=${doneCommand}`),
}));

/** WebTorrent on Node. */
export const webtorrent = contender(interopWebtorrent, (launch) => ({
  launch,
  saysComplete: (line) => line === "done",
}));
