/** The pages of a fleet: its lead offers, takes back and wakes; members take and decline. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { SleepingHost } from "../lan/sleeping_host.ts";
import { LiveHosts, liveTest, until } from "./live_hosts.ts";
import { assertAccessible, dialogClosed, takePicture } from "./looking.ts";

const data = randomBytes(3 * 1024 * 1024, 53);

liveTest(
  "live page: a lead offers to hosts of its choice, who take or decline it; one that is off is woken",
  async () => {
    await using hosts = await LiveHosts.of(3);
    await hosts.put(0, "image.vhdx", data);
    await hosts.makeFleet();
    await hosts.share(0, "image.vhdx");
    const [lead, first, second] = await Promise.all([0, 1, 2].map((host) => hosts.open(host)));

    await lead.click('.orders button:has-text("Offer to hosts")');
    await lead.uncheck('dialog label:has-text("pc-2") input');
    await takePicture(lead, "live offer");
    await assertAccessible(lead, "offer");
    await lead.click('dialog button:has-text("Offer to 1 host")');
    await dialogClosed(lead);
    await first.click('.offers li:has-text("image.vhdx") button:has-text("Take it")');
    await until("pc-1 has it", () => hosts.has(1, "image.vhdx", data));
    await lead.waitForSelector('.offers li:has-text("1 host was offered it: 1 took it")');
    assert.equal(await second.locator(".offers").count(), 0);

    await lead.click('.orders button:has-text("Offer to hosts")');
    await lead.click('dialog button:has-text("Offer to all")');
    await dialogClosed(lead);
    await second.waitForSelector('.offers li:has-text("offered by pc-0")');
    await takePicture(second, "live offered");
    await assertAccessible(second, "offered");
    await second.click('.offers button:has-text("Decline")');
    await second.waitForSelector(".offers", { state: "detached" });
    await lead.waitForSelector('.offers li:has-text("pc-2 declined")');

    await hosts.stop(1);
    const sleeper = await SleepingHost.on(hosts.lan, 1);
    await lead.click('.host:has-text("gone since") [aria-label="Wake pc-1"]');
    await lead.waitForSelector('.notice span:has-text("The packets that wake pc-1 are sent")');
    await takePicture(lead, "live wake");
    await assertAccessible(lead, "wake");
    await sleeper.isWoken();

    await lead.click('.offers button:has-text("Take back")');
    await lead.waitForSelector(".offers", { state: "detached" });
  },
);
