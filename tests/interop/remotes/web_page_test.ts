/** Transmission 3.00's own web page, in Chromium, steers a peer in the middle of a download. */
import assert from "node:assert/strict";
import { openChromium, type Page } from "../../harness/processes/chromium.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { PAGE_FOLDER, serveFront } from "./front.ts";
import { exists, SteeredPeer } from "./steered_peer.ts";
import { finish } from "../../../lib/protocol/steps.ts";

const PICTURES = Deno.env.get("PEER_SCREENSHOTS");

needs("chromium", "playwright-core", `${PAGE_FOLDER}/index.html`)(
  "Transmission's web page steers a running download",
  async () => {
    await using peer = await SteeredPeer.start();
    await using front = serveFront(peer);
    await using browser = await openChromium();
    const { session, course, film } = peer;
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(dialog.message());
      dialog.dismiss();
    });
    await page.goto(front.page);

    // A file and a magnet link.
    await add(page, () => page.setInputFiles("#torrent_upload_file", course.path));
    await peer.runs(course);
    await add(page, () => page.fill("#torrent_upload_url", film.magnet));
    await peer.when(film, "metadata", ({ lacksMetadata }) => !lacksMetadata);
    const row = (name: string) => page.locator("#torrent_list li.torrent", { hasText: name });
    await row("film.mkv").getByText(/Downloading from 1 of 1 peer/).waitFor();
    await row("course").getByText(/MB of 16\.\d+ MB/).waitFor();

    // Pause and go on.
    const choose = async (name: string, command: string) => {
      await row(name).click({ button: "right" });
      await page.locator(`li[data-command="${command}"]`).click();
    };
    await choose("course", "pause_selected");
    await peer.when(course, "paused", ({ state }) => state === "paused");
    await row("course").getByText("Paused", { exact: true }).waitFor();
    await choose("course", "resume_selected");
    await peer.when(course, "resumed", ({ state }) => state === "downloading");

    // What is known of it.
    await row("course").click();
    await page.click("#toolbar-inspector");
    await page.locator("#inspector-info-hash", { hasText: course.infoHash }).waitFor();
    await page.locator("#inspector-info-state", { hasText: "Downloading" }).waitFor();
    await page.click("#inspector-tab-peers");
    await page.locator("#inspector_peers_list", { hasText: "127.0.0.1" }).waitFor();
    await page.click("#inspector-tab-trackers");
    await page.locator("#inspector_trackers_list", { hasText: "Tier 1" }).waitFor();

    // Files and their priorities.
    await page.click("#inspector-tab-files");
    const files = page.locator("#inspector_file_list li");
    const second = files.filter({ hasText: "b.bin" });
    await second.locator(".file-priority-radiobox .high").click();
    await peer.when(course, "first", () => finish(session.files(course.infoHash))[1].isFirst);
    await second.locator("input.file_wanted_control").click();
    await peer.when(course, "not wanted", () => !finish(session.files(course.infoHash))[1].isWanted);
    if (PICTURES !== undefined) await page.screenshot({ path: `${PICTURES}/transmission-web.png` });

    // Limits, the turtle, statistics.
    await page.click("#prefs-button");
    await page.click("#prefs-tab-speed");
    await page.fill("#speed-limit-down", "300");
    await page.locator("#speed-limit-down").blur();
    await page.check("#speed-limit-down-enabled");
    await peer.when(course, "limited", () => session.choices().maxDownload === 300_000);
    await page.keyboard.press("Escape");
    await page.click("#settings_menu");
    await page.click("#statistics");
    await page.locator("#stats-dialog", { hasText: "Downloaded" }).waitFor();
    await page.locator("#stats-dialog #stats-session-downloaded", { hasText: /[1-9]/ }).waitFor();
    await page.keyboard.press("Escape");

    // Removed from the list, and with its data.
    await choose("film.mkv", "remove");
    await page.click("#dialog_confirm_button");
    await peer.leaves(film);
    await choose("course", "remove_data");
    await page.click("#dialog_confirm_button");
    await peer.leaves(course);
    await page.waitForFunction("document.querySelectorAll('#torrent_list li.torrent').length === 0");
    assert.equal(await exists(peer.machine.path("shareable", "course")), false);

    assert.deepEqual(complaints, []);
    const failed = front.exchanges.filter(({ status, result }) => status !== 409 && result !== "success");
    assert.deepEqual(failed, []);
    peer.assertNoFault();
  },
);

/** Opens the page's dialog for adding, fills it in and confirms. */
async function add(page: Page, fillIn: () => Promise<void>): Promise<void> {
  await page.click("#toolbar-open");
  await page.locator("#upload_container").waitFor();
  await fillIn();
  await page.click("#upload_confirm_button");
}
