/** Files of the machine that the user shares, from the order until others can get them. */
import { effect, signal } from "@preact/signals";
import type { ShareView } from "../api/shapes.ts";
import { get, order, post, reasonOf } from "./connection.ts";
import { choose, complain, dialog, isUp, tell } from "./store.ts";

/** The time between two looks at how far the reading is. */
const LOOK_EVERY_MS = 500;

/** Files and folders that are being read, as they were seen last. */
export const sharesUnderWay = signal<readonly ShareView[]>([]);

/** Numbers of the shares that this page has begun, and whose end its user has not seen. */
const begun = new Set<number>();

/** Shares a file or folder; resolves with whether the program took the order. */
export async function share(path: string): Promise<boolean> {
  try {
    const { id } = await post<{ readonly id: number }>("shares", { path });
    begun.add(id);
    look();
    return true;
  } catch (error) {
    complain(reasonOf(error));
    return false;
  }
}

/** Ends a share that is being read. */
export async function cancelShare({ id }: ShareView): Promise<void> {
  await order("It is not shared", "shares/cancel", { id });
  look();
}

/** Begins to watch the shares, also those that another page has begun. */
export function watchShares(): void {
  effect(() => {
    if (isUp.value) look();
  });
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Looks now, and again while anything is being read. */
async function look(): Promise<void> {
  clearTimeout(timer);
  const { shares } = await get<{ readonly shares: readonly ShareView[] }>("shares")
    .catch(() => ({ shares: undefined }));
  for (const each of shares ?? []) if (begun.has(each.id) && hasEnded(each)) tellEnd(each);
  if (shares !== undefined) sharesUnderWay.value = shares.filter((each) => !hasEnded(each));
  clearTimeout(timer);
  if (sharesUnderWay.value.length > 0) timer = setTimeout(look, LOOK_EVERY_MS);
}

function hasEnded({ shared, failure }: ShareView): boolean {
  return shared !== undefined || failure !== undefined;
}

/** Tells the user how a share has ended. */
function tellEnd({ id, path, shared, failure }: ShareView): void {
  begun.delete(id);
  if (shared === undefined) return complain(`${path}: ${failure}`);
  choose(shared.infoHash);
  tell(`${shared.name} is shared${shared.isNew ? "" : ", and was before"}`);
  if (dialog.value === undefined) dialog.value = "code";
}
