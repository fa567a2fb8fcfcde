/** Where others find this machine, and what to tell the user when they will not. */
import { basename, dirname, join, resolve } from "node:path";
import { parseAnnounceAddress } from "../protocol/announce_address.ts";
import { canonicalAddress, familyOf, scopeOf } from "../protocol/endpoint.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { PORTS } from "../settings.ts";
import type { TorrentFacts } from "./session_options.ts";

/** An address of this machine, canonical, and the interface that has it. */
export interface InterfaceAddress {
  readonly address: string;
  /** Undefined where the system did not say. */
  readonly name: string | undefined;
}

/** Which addresses others on a LAN reach, the best first. Private IPv4 is what people know their machines by. */
const REACHABLE: readonly { readonly family: 4 | 6; readonly scope: string }[] = [
  { family: 4, scope: "private" },
  { family: 4, scope: "global" },
  { family: 6, scope: "private" },
  { family: 6, scope: "global" },
  { family: 4, scope: "linkLocal" },
];

/** Addresses of this machine under which others may reach it, the best first; `interfaces` as the system lists them. */
export function reachableAddresses(
  interfaces: readonly { readonly address: string; readonly name?: string }[],
): InterfaceAddress[] {
  const own = interfaces.flatMap(({ address, name }) => {
    const canonical = canonicalAddress(address);
    return canonical === undefined ? [] : [{ address: canonical, name }];
  });
  return REACHABLE.flatMap(({ family, scope }) =>
    own.filter(({ address }) => familyOf(address) === family && scopeOf(address) === scope)
  );
}

/** The announce URL of a tracker on this machine: where others reach it, else on loopback. */
export function ownAnnounceUrl(
  interfaces: readonly { readonly address: string; readonly name?: string }[],
): string {
  const [best] = reachableAddresses(interfaces);
  const address = best?.address ?? "127.0.0.1";
  const host = familyOf(address) === 6 ? `[${address}]` : address;
  return `http://${host}:${PORTS.tracker.first}/announce`;
}

/** Whether an announce address leads every machine to itself. What is no announce address does not. */
export function isLoopbackAnnounce(address: string): boolean {
  const hostname = parseAnnounceAddress(address)?.hostname.replace(/^\[(.*)\]$/, "$1");
  if (hostname === undefined) return false;
  const canonical = canonicalAddress(hostname);
  return canonical === undefined
    ? /^(.*\.)?localhost\.?$/i.test(hostname)
    : scopeOf(canonical) === "loopback";
}

/**
 * What to tell of a torrent whose announce addresses all lead each machine to itself; undefined where one does not, or
 * there is none. `path` is the torrent's, for the command that mends it.
 */
export function adviceOnLoopback(
  { announceTiers }: Pick<Metainfo, "announceTiers">,
  path: string,
  home: string,
  interfaces: readonly { readonly address: string; readonly name?: string }[],
): string | undefined {
  const addresses = announceTiers.flat();
  if (addresses.length === 0 || !addresses.every(isLoopbackAnnounce)) return undefined;
  const [own] = reachableAddresses(interfaces);
  const finding =
    `by its announce address ${addresses[0]} every machine looks for the others on itself, so others ` +
    "will not find this one";
  if (own === undefined) return `${finding}; this machine has no address that others could reach`;
  return `${finding}: peer edit ${nameForCommands(path, home)} --announce ${own.address}, ` +
    "on every machine, with the address of the one that has the data";
}

/** What to tell of a torrent for whose data others come to this machine, and which has none; undefined of all others. */
export function adviceOnLackOfData(
  { role, name, have, pieces }: TorrentFacts,
  home: string,
): string | undefined {
  if (role !== "announcer" || have > 0 || pieces === 0) return undefined;
  return `this machine is the announcer, and has no data: there is no usable ${name} in ${
    join(home, "shareable")
  }; ` +
    "put it there and start again, or wait until somebody else brings it";
}

/** How a torrent is named on the command line. */
export function nameForCommands(path: string, home: string): string {
  const isInFolder = resolve(dirname(path)) === resolve(home, "torrents");
  const word = shellWord(isInFolder ? basename(path) : path);
  return isInFolder && home !== Deno.cwd() ? `${word} --home ${shellWord(home)}` : word;
}

/** A word as the shells of this system take it, in quotes where it needs them. No name on Windows has one in it. */
function shellWord(word: string): string {
  const isWindows = Deno.build.os === "windows";
  const plain = isWindows ? /^[\p{L}\p{N}._\\/:@+=-]+$/u : /^[\p{L}\p{N}._/:@%+,=-]+$/u;
  if (plain.test(word)) return word;
  return isWindows ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
