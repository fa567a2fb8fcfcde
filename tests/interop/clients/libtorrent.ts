import { fileURLToPath } from "node:url";
import { findPython } from "../../harness/processes/require_tool.ts";
import { findProgram, type InteropClient } from "./client.ts";

const SCRIPT = fileURLToPath(new URL("libtorrent_client.py", import.meta.url));

/** libtorrent (Rasterbar) itself, through its Python binding. */
export const libtorrent: InteropClient = {
  name: "libtorrent",
  needs: "libtorrent",
  cannot: {},

  async find() {
    const python = findPython("libtorrent");
    if (python === undefined) return { missing: "the Python module libtorrent is not installed" };
    return await findProgram(python, ["-c", "import libtorrent; print(libtorrent.__version__)"], /^([\d.]+)/);
  },

  prepare: (job) =>
    Promise.resolve({
      command: findPython("libtorrent")!,
      args: [
        SCRIPT,
        job.torrent,
        job.folder,
        `--listen=${job.address}:${job.port}`,
        ...(job.mustEncrypt ? ["--must-encrypt"] : []),
        ...(job.localDiscovery ? ["--local-discovery"] : []),
      ],
      cwd: job.home,
    }),
};
