import { denoLaunch } from "../deno_launch.ts";
import type { Contender } from "./contender.ts";

/** Not a client but what Deno can do at best: see `limit_pipe.ts`. */
export const limit: Contender = {
  name: "limit: bare Deno pipe",
  find: () => Promise.resolve({ version: Deno.version.deno }),
  dataFolder: ({ home }) => home,
  prepare: ({ role, name, home, address, port, seeder }) => {
    const endpoint = role === "seeder" ? `${address}:${port}` : seeder;
    const mode = role === "seeder" ? "send" : "receive";
    return Promise.resolve({
      launch: denoLaunch("tests/bench/limit_pipe.ts", [mode, `${home}/${name}`, endpoint], home),
      saysReady: (line) => line === "listening",
      saysComplete: (line) => line === "complete",
    });
  },
};
