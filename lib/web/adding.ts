/** Adds torrents that the user drops, pastes or chooses. */
import { post, Refusal } from "./connection.ts";
import { choose, notice } from "./store.ts";

interface Added {
  readonly infoHash: string;
  readonly name: string;
  readonly isNew: boolean;
}

/** Adds a magnet link or the address of a torrent file; resolves with whether it was taken. */
export function addLink(text: string): Promise<boolean> {
  const origin = /^magnet:/i.test(text) ? { magnet: text } : { url: text };
  return add(origin, text);
}

/** Adds torrent files; resolves with whether all were taken. */
export async function addFiles(files: Iterable<File>): Promise<boolean> {
  let isAllTaken = true;
  for (const file of files) if (!await add(file, file.name)) isAllTaken = false;
  return isAllTaken;
}

async function add(body: unknown, name: string): Promise<boolean> {
  try {
    const added = await post<Added>("torrents", body);
    notice.value = { text: `${added.name} ${added.isNew ? "is added" : "was here already"}`, isError: false };
    choose(added.infoHash);
    return true;
  } catch (error) {
    const why = error instanceof Refusal ? error.message : "the program cannot be reached";
    notice.value = { text: `${name.slice(0, 80)}: ${why}`, isError: true };
    return false;
  }
}
