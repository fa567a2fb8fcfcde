/** The keyboard alone suffices, in front of a real program. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { LiveHosts, liveTest, until } from "./live_hosts.ts";
import { dialogClosed, textOf } from "./looking.ts";

const data = ["first.bin", "second.bin", "third.bin"].map((name, i) => ({
  name,
  bytes: randomBytes(500_000, 60 + i),
}));

liveTest("live page: a user without a mouse shares, finds, pauses, folds out and removes", async () => {
  await using hosts = await LiveHosts.of(1);
  for (const { name, bytes } of data) await hosts.put(0, name, bytes);
  const page = await hosts.open(0);
  const { keyboard } = page;
  /** Presses Tab until an element that matches has the focus. */
  const tabTo = async (selector: string) => {
    for (let presses = 0; presses < 60; presses++) {
      if (await page.evaluate((selector) => document.activeElement?.matches(selector) ?? false, selector)) {
        return;
      }
      await keyboard.press("Tab");
    }
    assert.fail(`Tab does not reach ${selector}`);
  };
  for (const { name } of data) {
    await keyboard.press("s");
    await page.waitForSelector(`[aria-label="Share ${name}"]`);
    await tabTo(`[aria-label="Share ${name}"]`);
    await keyboard.press("Enter");
    await page.waitForSelector("dialog .code");
    await keyboard.press("Escape");
    await dialogClosed(page);
  }

  // The search, and Enter from there.
  await page.waitForSelector("#search");
  await keyboard.press("/");
  await page.waitForSelector("#search:focus");
  await keyboard.type("second");
  await page.waitForFunction(() => document.querySelectorAll(".torrents .row").length === 1);
  await keyboard.press("Enter");
  await page.waitForSelector('main:focus[aria-label="second.bin"]');
  await keyboard.press("Space");
  await page.waitForSelector('.chip:has-text("paused")');
  await until("it is paused", async () => (await hosts.torrent(0, "second.bin"))!.state === "paused");
  await keyboard.press("Space");
  await page.waitForSelector('.chip:has-text("complete, shared")');

  // The arrows in the list, and Enter from there.
  await keyboard.press("/");
  await keyboard.press("ControlOrMeta+A");
  await keyboard.press("Delete");
  await page.waitForFunction(() => document.querySelectorAll(".torrents .row").length === 3);
  await tabTo(".torrents .rows");
  await keyboard.press("ArrowDown");
  await page.waitForSelector('main[aria-label="third.bin"]');
  await keyboard.press("Home");
  await page.waitForSelector('main[aria-label="first.bin"]');
  await keyboard.press("End");
  await keyboard.press("ArrowUp");
  await page.waitForSelector('main[aria-label="second.bin"]');
  await keyboard.press("Enter");
  await page.waitForSelector('main:focus[aria-label="second.bin"]');

  await tabTo("#fold-files button");
  await keyboard.press("Enter");
  await page.waitForSelector("#part-files .file");
  await keyboard.press("?");
  await page.waitForSelector('dialog h2:has-text("Keys")');
  await keyboard.press("Escape");
  await dialogClosed(page);

  // Back to the orders of the torrent.
  await keyboard.press("/");
  await keyboard.press("Enter");
  await page.waitForSelector('main:focus[aria-label="first.bin"]');
  await tabTo(".orders button.bad");
  await keyboard.press("Enter");
  await page.waitForSelector("dialog input[type=checkbox]");
  await tabTo("dialog input[type=checkbox]");
  await keyboard.press("Space");
  await tabTo("dialog button.bad");
  assert.equal(await textOf(page, "dialog button.bad"), "Remove and delete");
  await keyboard.press("Enter");
  await dialogClosed(page);
  await until("it is removed", async () => await hosts.torrent(0, "first.bin") === undefined);
});
