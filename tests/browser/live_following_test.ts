/** Pages that follow their program: in several tabs, while it is silent, after its end, and when it is back. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { LiveHosts, liveTest } from "./live_hosts.ts";
import { assertAccessible, takePicture, textOf } from "./looking.ts";

const data = randomBytes(1024 * 1024, 47);

/** One host that shares a file. */
async function sharing(): Promise<LiveHosts> {
  const hosts = await LiveHosts.of(1);
  await hosts.put(0, "lecture.mp4", data);
  await hosts.share(0, "lecture.mp4");
  return hosts;
}

liveTest(
  "live page: tabs see what another one does, and a tab without the secret asks for the password",
  async () => {
    await using hosts = await sharing();
    const [one, other] = [await hosts.open(0), await hosts.open(0)];
    await one.click('.orders button:text-is("Pause")');
    await other.waitForSelector('.chip:has-text("paused")');
    await other.click('.orders button:text-is("Resume")');
    await one.waitForSelector('.chip:has-text("complete, shared")');

    const third = await hosts.tab(0);
    await third.goto(new URL("/", await hosts.address(0)).href);
    await third.waitForSelector('h2:has-text("This page needs a password")');
    await third.fill("input[name=password]", "wrong");
    await third.keyboard.press("Enter");
    await third.waitForSelector('.trouble.bad[role="alert"]');
    await takePicture(third, "live wrong password");
    await assertAccessible(third, "wrong password");
    const password = await Deno.readTextFile(hosts.home(0, "state", "web-password"));
    await third.fill("input[name=password]", password.trim());
    await third.click('button:has-text("Open")');
    await third.waitForSelector('h2:has-text("lecture.mp4")');
    await third.reload();
    await third.waitForSelector('h2:has-text("lecture.mp4")');
  },
);

liveTest(
  "live page: a silent program is told, with its last numbers, until it is heard again by itself",
  async () => {
    await using hosts = await sharing();
    const page = await hosts.tab(0);
    await page.clock.install();
    await page.goto(await hosts.address(0));
    await page.waitForSelector('h2:has-text("lecture.mp4")');
    const resume = await hosts.hold(0);
    await page.clock.fastForward(16_000);
    await page.waitForSelector('.lost[role="alert"]');
    assert.match(
      await textOf(page, ".lost"),
      /has not answered since \d\d:\d\d\. These are its last numbers/,
    );
    await page.waitForSelector(".page.stale .answer");
    await takePicture(page, "live silent");
    await assertAccessible(page, "silent");
    resume();
    await page.waitForSelector(".lost", { state: "detached" });
    await page.waitForSelector(".page:not(.stale)");
  },
);

liveTest(
  "live page: after the end of its program it waits; started anew, that asks for the password",
  async () => {
    await using hosts = await sharing();
    const page = await hosts.open(0);
    await page.waitForSelector('h2:has-text("lecture.mp4")');
    await hosts.kill(0);
    await page.waitForSelector('.lost[role="alert"]');
    await page.click('.orders button:text-is("Pause")');
    await page.waitForSelector('.notice.bad:has-text("nothing was changed")');
    await hosts.start(0);
    await page.waitForSelector(':text("The program was started anew")');
    await takePicture(page, "live started anew");
    await assertAccessible(page, "started anew");
    const password = await Deno.readTextFile(hosts.home(0, "state", "web-password"));
    await page.fill("input[name=password]", password.trim());
    await page.keyboard.press("Enter");
    await page.waitForSelector('h2:has-text("lecture.mp4")');
    await page.waitForSelector(".page:not(.stale)");
  },
);

liveTest("live page: whoever is alone for half a minute is told what the program finds out", async () => {
  await using hosts = await sharing();
  const page = await hosts.tab(0);
  await page.clock.install();
  await page.goto(await hosts.address(0));
  await page.waitForSelector(".type .code");
  await page.clock.fastForward(31_000);
  await page.waitForSelector(':text("Nobody has come for half a minute")');
  await page.waitForSelector(':text("This machine looks for what may be in the way")', { state: "detached" });
  await takePicture(page, "live alone for long");
  await assertAccessible(page, "alone for long");
});
