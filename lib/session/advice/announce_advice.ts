/** Finds the addresses at which others reach this machine, and advises users whose machine others will not find. */
import { basename, dirname, resolve } from "node:path";
import { parseAnnounceAddress } from "../../protocol/announce_address.ts";
import { canonicalAddress, familyOf, scopeOf } from "../../protocol/endpoint.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { PORTS } from "../../settings.ts";
import type { TorrentFacts } from "../session_options.ts";

/** An address of this machine in canonical form, and the interface that has it. */
interface InterfaceAddress {
  readonly address: string;
  /** Undefined where the system did not name the interface. */
  readonly name: string | undefined;
}

/** The kinds of address that others on a LAN reach, the best first. People know machines by private IPv4 addresses. */
const REACHABLE: readonly { readonly family: 4 | 6; readonly scope: string }[] = [
  { family: 4, scope: "private" },
  { family: 4, scope: "global" },
  { family: 6, scope: "private" },
  { family: 6, scope: "global" },
  { family: 4, scope: "linkLocal" },
];

/** The addresses at which others may reach this machine, the best first. The system lists `interfaces`. */
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

/** The announce URL of a tracker on this machine: at the best address that others reach, or else on loopback. */
export function ownAnnounceUrl(
  interfaces: readonly { readonly address: string; readonly name?: string }[],
): string {
  const [best] = reachableAddresses(interfaces);
  const address = best?.address ?? "127.0.0.1";
  const host = familyOf(address) === 6 ? `[${address}]` : address;
  return `http://${host}:${PORTS.tracker.first}/announce`;
}

/** Whether an announce address leads every machine to itself. False for a text that is no announce address. */
export function isLoopbackAnnounce(address: string): boolean {
  const hostname = parseAnnounceAddress(address)?.hostname.replace(/^\[(.*)\]$/, "$1");
  if (hostname === undefined) return false;
  const canonical = canonicalAddress(hostname);
  return canonical === undefined
    ? /^(.*\.)?localhost\.?$/i.test(hostname)
    : scopeOf(canonical) === "loopback";
}

/**
 * The advice on a torrent whose announce addresses all lead each machine to itself. Undefined where one of them does
 * not, and where the torrent has none. The advice names the `.torrent` file at `path` in the command that mends it.
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

/** The advice on a torrent that this machine announces without having any of its data; undefined for other torrents. */
export function adviceOnLackOfData(
  { role, name, have, pieces }: TorrentFacts,
  folder: string,
): string | undefined {
  if (role !== "announcer" || have > 0 || pieces === 0) return undefined;
  return `this machine is the announcer, and has no data: there is no usable ${name} in ${folder}; ` +
    "put it there and start again, or wait until somebody else brings it";
}

/** The words that name a torrent on the command line, in quotes where the shell needs them. */
export function nameForCommands(path: string, home: string): string {
  const isInFolder = resolve(dirname(path)) === resolve(home, "torrents");
  const word = shellWord(isInFolder ? basename(path) : path);
  return isInFolder && home !== Deno.cwd() ? `${word} --home ${shellWord(home)}` : word;
}

/** A word for the shells of this system, in quotes where it needs them. No file name on Windows contains a quote. */
function shellWord(word: string): string {
  const isWindows = Deno.build.os === "windows";
  const plain = isWindows ? /^[\p{L}\p{N}._\\/:@+=-]+$/u : /^[\p{L}\p{N}._/:@%+,=-]+$/u;
  if (plain.test(word)) return word;
  return isWindows ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
