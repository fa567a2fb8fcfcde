/** Chromium of this machine, driven by playwright-core. Tests that use it need `chromium` and `playwright-core`. */
import type { Browser } from "playwright-core";
import { importPackage } from "./require_tool.ts";

export type { Browser, Page } from "playwright-core";

const { chromium } = await importPackage("playwright-core", () => import("playwright-core"));

export const CHROMIUM = "/usr/bin/chromium";

/** How long a test waits for something on a page, in ms: also a machine that is busy with much else gets there. */
export const PATIENCE_MS = 180_000;

/**
 * Starts Chromium without a window, and with further `flags`; by another program where one is named, which gets the
 * same arguments. Dispose of it in the end.
 */
export async function openChromium(
  flags: readonly string[] = [],
  program = CHROMIUM,
): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({
    executablePath: program,
    timeout: PATIENCE_MS,
    // Chromium's own sandbox refuses to run for the superuser, as in CI.
    args: [...(Deno.uid() === 0 ? ["--no-sandbox"] : []), ...flags],
  });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}
