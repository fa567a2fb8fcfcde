import { VERSION } from "../../../lib/settings.ts";
import { peerLaunch, readEvent } from "../deno_launch.ts";
import type { Contender } from "./contender.ts";

/** Our own program, run from the sources. */
export const peer: Contender = {
  name: "peer",
  find: () => Promise.resolve({ version: VERSION }),
  dataFolder: ({ home }) => `${home}/shareable`,
  prepare: ({ torrent, home, port }) => {
    const args = [`--home=${home}`, `--port=${port}`, "--no-tracker", "--no-lsd", "--progress=json"];
    return Promise.resolve({
      launch: peerLaunch(["start", ...args, torrent], home),
      saysComplete: (line) => readEvent(line).event === "complete",
    });
  },
};
