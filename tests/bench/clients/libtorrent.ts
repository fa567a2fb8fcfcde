import { fileURLToPath } from "node:url";
import { libtorrent } from "../../interop/clients/libtorrent.ts";
import type { Contender } from "./contender.ts";

const SCRIPT = fileURLToPath(new URL("libtorrent_client.py", import.meta.url));

function contender(name: string, ...options: string[]): Contender {
  return {
    name,
    find: libtorrent.find,
    dataFolder: ({ home }) => home,
    prepare: ({ torrent, home, address, port }) =>
      Promise.resolve({
        launch: {
          command: "/usr/bin/python3",
          args: [SCRIPT, torrent, home, `--listen=${address}:${port}`, ...options],
          cwd: home,
        },
        saysComplete: (line) => line === "complete",
      }),
  };
}

/** libtorrent as it comes. */
export const libtorrentDefault = contender("libtorrent, default");

/** libtorrent set up for fast transfers: no encryption, no uTP, large buffers and queues, more threads. */
export const libtorrentTuned = contender("libtorrent, tuned", "--tuned");
