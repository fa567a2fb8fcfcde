import { win32 } from "node:path";

/**
 * Whether the window that shows the program may close with it: Windows opens one for a program that was started by a
 * double click, or by a file that was dropped on it. Such a start has no arguments but absolute paths. The same words
 * may have been typed in a window that stays, which only costs its user a key.
 */
export function mayCloseItsWindow(
  args: readonly string[],
  os = Deno.build.os,
  isCompiled = Deno.build.standalone,
): boolean {
  return os === "windows" && isCompiled && args.every((word) => win32.isAbsolute(word));
}
