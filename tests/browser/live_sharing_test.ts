/** The pages of three hosts, on which users share a file and get it; nobody types anything in a terminal. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "../harness/processes/chromium.ts";
import { randomBytes } from "../harness/data/random.ts";
import { LiveHosts, liveTest, until } from "./live_hosts.ts";
import { assertAccessible, dialogClosed, takePicture, textOf } from "./looking.ts";

const data = randomBytes(12 * 1024 * 1024, 41);

/** Looks at a page as it is now. */
async function look(page: Page, name: string): Promise<void> {
  await takePicture(page, `live ${name}`);
  await assertAccessible(page, name);
}

const hostNames = (page: Page) => page.locator(".host .name").allTextContents();

liveTest(
  "live page: a file is shared on one page, and got on others by its code and from the list",
  async () => {
    await using hosts = await LiveHosts.of(3);
    const [first, second, third] = await Promise.all([0, 1, 2].map((host) => hosts.open(host)));
    await first.waitForSelector('h2:has-text("Nothing is shared yet")');
    await look(first, "nothing is shared");

    await first.click('button:has-text("Share a file")');
    await first.waitForSelector('dialog .empty:has-text("Nothing is in this folder yet")');
    await hosts.put(0, "lecture.mp4", data);
    await first.waitForSelector('[aria-label="Share lecture.mp4"]');
    await look(first, "share a file");
    await first.click('[aria-label="Share lecture.mp4"]');
    await first.waitForSelector("dialog .code");
    const command = await textOf(first, "dialog .code");
    assert.match(command, /^peer get( [a-z]+){4}$/);

    // Its code and link, copied; its QR code, for a projector.
    const copied = async (what: string) => {
      await first.click(`[aria-label="Copy the ${what}"]`);
      await first.waitForSelector(`[aria-label="Copied the ${what}"]`);
      return await first.evaluate(() => navigator.clipboard.readText());
    };
    assert.equal(await copied("command"), command);
    const { infoHash } = (await hosts.torrent(0, "lecture.mp4"))!;
    assert.ok((await copied("link")).startsWith(`magnet:?xt=urn:btih:${infoHash}`));
    await look(first, "link and code");
    await first.click('dialog button:has-text("Full screen")');
    await first.waitForFunction(() => document.fullscreenElement !== null);
    assert.ok(await first.locator(".wall").isVisible());
    await look(first, "full screen");
    await first.evaluate(() => document.exitFullscreen());
    await first.waitForFunction(() => document.fullscreenElement === null);
    await first.click('dialog [aria-label="Close"]');
    await dialogClosed(first);
    assert.equal(await textOf(first, ".answer"), "This machine has all of it; nobody else is here yet");
    assert.equal(await textOf(first, ".type .code"), command);
    assert.match(await textOf(first, ".machine"), /^pc-0 · announcer$/);
    await look(first, "no receiver yet");

    // By the code.
    await second.click('button:has-text("Get a file from others")');
    await second.fill("dialog form input", command.replace("peer get ", ""));
    await second.click('dialog button:has-text("Add")');
    await dialogClosed(second);
    await until("pc-1 has it", () => hosts.has(1, "lecture.mp4", data));
    await second.waitForSelector('.answer:has-text("All 2 hosts have it")');
    await look(second, "got it by the code");

    // From the list.
    await third.click('button:has-text("Get a file from others")');
    await third.waitForSelector('[aria-label="Get lecture.mp4"]');
    await look(third, "shared near by");
    await third.click('[aria-label="Get lecture.mp4"]');
    await dialogClosed(third);
    await until("pc-2 has it", () => hosts.has(2, "lecture.mp4", data));
    await third.waitForSelector('.chip:has-text("complete, shared")');

    await first.waitForSelector('.answer:has-text("All 3 hosts have it")');
    await first.waitForSelector('.figures div:has(dt:text-is("rarest piece")):has-text("copies")');
    await first.waitForSelector('.host:has-text("pc-2"):has-text("done ")');
    await look(first, "all have it");

    // Filter, search and sort.
    const search = '[aria-label="Search the hosts"]';
    await first.fill(search, "pc-1");
    await first.waitForFunction(() => document.querySelectorAll(".host").length === 1);
    assert.deepEqual(await hostNames(first), ["pc-1"]);
    await first.fill(search, "no such host");
    await first.waitForSelector('.empty:has-text("No host matches")');
    await first.fill(search, "");
    await first.selectOption("select", "name");
    await first.waitForFunction(() =>
      [...document.querySelectorAll(".host .name")].map((name) => name.textContent!.slice(0, 4)).join() ===
        "pc-0,pc-1,pc-2"
    );
    await hosts.stop(2);
    await first.click('.chips button:has-text("gone 1")');
    await first.waitForFunction(() => document.querySelectorAll(".host").length === 1);
    await first.waitForSelector('.host:has-text("pc-2"):has-text("done "):has-text("gone since")');
    assert.equal(await textOf(first, ".answer"), "All 3 hosts have it", "it has it still");
    await look(first, "one has gone");
    await first.click('.chips button:has-text("all")');
    await first.waitForFunction(() => document.querySelectorAll(".host").length === 3);
  },
);
