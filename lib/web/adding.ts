/** Adds torrents that the user drops, pastes, chooses, or names by a code. */
import type { SharesFound } from "../api/shapes.ts";
import { post, reasonOf } from "./connection.ts";
import { choose, complain, dialog, tell } from "./store.ts";

/** What hosts near by share, one torrent of it. */
export type NearShare = SharesFound["shares"][number];

interface Added {
  readonly infoHash: string;
  readonly name: string;
  readonly isNew: boolean;
}

/** Four to six words, as `peer share` prints them. */
const CODE = /^[a-z]{3,8}([\s-]+[a-z]{3,8}){3,5}$/i;

/** Whether a text is something that `addLink` knows how to take. */
export function isLink(text: string): boolean {
  return /^(magnet:|https?:)/i.test(text);
}

/** Adds a magnet link, the address of a torrent file, or what a code stands for; resolves with whether it was taken. */
export async function addLink(text: string): Promise<boolean> {
  if (CODE.test(text)) return await addCode(text);
  if (isLink(text)) return await add(/^magnet:/i.test(text) ? { magnet: text } : { url: text }, text);
  complain(`“${text.slice(0, 80)}” is neither a code of four words, nor a magnet link, nor an address`);
  return false;
}

/** Adds torrent files; resolves with whether all were taken. */
export async function addFiles(files: Iterable<File>): Promise<boolean> {
  let isAllTaken = true;
  for (const file of files) if (!await addFile(file)) isAllTaken = false;
  return isAllTaken;
}

async function addFile(file: File): Promise<boolean> {
  if (/\.torrent$/i.test(file.name)) return await add(file, file.name);
  // A browser tells no paths, so the user has to find the file once more.
  complain(
    `${file.name.slice(0, 80)} is no .torrent file; to share it, choose it here, on the machine that has it`,
  );
  dialog.value = "share";
  return false;
}

/** Asks hosts near by what they share, by a code or all. Errors: as `post`. */
export async function lookUp(code?: string): Promise<SharesFound> {
  return await post<SharesFound>("lookups", code === undefined ? {} : { code });
}

/** Gets what hosts near by share; resolves with whether it was taken. */
export function getNear({ magnet, hosts, isListed, name }: NearShare): Promise<boolean> {
  return add({ magnet, listed: isListed, peers: hosts.map(({ endpoint }) => endpoint) }, name);
}

async function addCode(text: string): Promise<boolean> {
  tell("Asks the hosts near by …");
  try {
    const { shares: [first, ...others] } = await lookUp(text.trim().split(/[\s-]+/).join(" "));
    if (first === undefined) {
      complain(
        "Nobody near by answers to this code: is the peer that has it running, in the same network, and does its " +
          "firewall let in TCP 6881 and UDP 6771?",
      );
      return false;
    }
    if (others.length === 0) return await getNear(first);
    complain(
      `${others.length + 1} torrents have this code; choose one from the list of what is shared near by`,
    );
  } catch (error) {
    complain(reasonOf(error));
  }
  return false;
}

async function add(body: unknown, name: string): Promise<boolean> {
  try {
    const added = await post<Added>("torrents", body);
    tell(`${added.name} ${added.isNew ? "is added" : "was here already"}`);
    choose(added.infoHash);
    return true;
  } catch (error) {
    complain(`${name.slice(0, 80)}: ${reasonOf(error)}`);
    return false;
  }
}
