import { denoLaunch } from "../deno_launch.ts";
import { OUR_WAY, type PipeWay } from "../limit_pipe.ts";
import type { Contender } from "./contender.ts";

/** A bare pipe that works in a way of its own: see `limit_pipe.ts`. */
export function pipe(name: string, way: PipeWay): Contender {
  return {
    name,
    find: () => Promise.resolve({ version: Deno.version.deno }),
    dataFolder: ({ home }) => home,
    prepare: ({ role, name, home, address, port, seeder }) => {
      const endpoint = role === "seeder" ? `${address}:${port}` : seeder;
      const mode = role === "seeder" ? "send" : "receive";
      const args = [mode, `${home}/${name}`, endpoint, JSON.stringify(way)];
      return Promise.resolve({
        launch: denoLaunch("tests/bench/limit_pipe.ts", args, home),
        saysReady: (line) => line === "listening",
        saysComplete: (line) => line === "complete",
      });
    },
  };
}

/** Not a client but what Deno can do at best, alone with its other end on the machine. */
export const limit: Contender = pipe("limit: bare Deno pipe", OUR_WAY);

/** The same where more processes than cores work: hashed and written on the main thread, as our program does it there. */
export const crowdedLimit: Contender = pipe("limit: bare Deno pipes", { ...OUR_WAY, sink: "main thread" });
