/** Chromium of this machine, driven by playwright-core. Tests that use it need `chromium`. */
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Starts Chromium without a window, and with further `flags`. Dispose of it in the end. */
export async function openChromium(flags: readonly string[] = []): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    // Chromium's own sandbox refuses to run for the superuser, as in CI.
    args: [...(Deno.uid() === 0 ? ["--no-sandbox"] : []), ...flags],
  });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}
