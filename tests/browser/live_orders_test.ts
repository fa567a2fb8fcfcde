/** Every order for a torrent, and every way to add one, from the page of a host that downloads from another. */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { FileView, PeerView, TorrentDetails } from "../../lib/api/shapes.ts";
import type { Page } from "../harness/processes/chromium.ts";
import { randomBytes } from "../harness/data/random.ts";
import { LiveHosts, liveTest, until } from "./live_hosts.ts";
import {
  assertAccessible,
  dialogClosed,
  dropFile,
  dropText,
  pasteText,
  takePicture,
  textOf,
} from "./looking.ts";

const MIB = 1024 * 1024;
const film = randomBytes(6 * MIB, 43);
const parts = ["a.bin", "b.bin", "c.bin"].map((name, i) => ({ name, data: randomBytes(8 * MIB, 44 + i) }));
const [SEEDER, USER] = [0, 1];

/** Waits for the answer to the last order. */
async function told(page: Page, text: string): Promise<void> {
  await page.waitForSelector(`.notice span:has-text(${JSON.stringify(text)})`);
  // It goes by itself after some seconds, too.
  await page.evaluate(() => document.querySelector<HTMLElement>('[aria-label="Close the message"]')?.click());
  await page.waitForSelector(".notice span", { state: "detached" });
}

async function look(page: Page, name: string): Promise<void> {
  await takePicture(page, `live ${name}`);
  await assertAccessible(page, name);
}

/** Changes a byte of a file, but not when that was changed last. */
async function spoilInSecret(path: string): Promise<void> {
  const touch = async (path: string, reference: string) => {
    const { success } = await new Deno.Command("touch", { args: [`--reference=${reference}`, path] })
      .output();
    assert.ok(success);
  };
  const reference = await Deno.makeTempFile();
  await touch(reference, path);
  using file = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.read(byte);
  await file.seek(0, Deno.SeekMode.Start);
  await file.write(byte.map((value) => value ^ 255));
  await touch(path, reference);
  await Deno.remove(reference);
}

/** Two hosts, of which the first shares a folder and a film, and sends slowly. */
async function begin() {
  const hosts = await LiveHosts.of(2);
  await Promise.all([
    hosts.put(SEEDER, "film.mkv", film),
    ...parts.map(({ name, data }) => hosts.put(SEEDER, `course/${name}`, data)),
  ]);
  const [filmShared, courseShared] = [
    await hosts.share(SEEDER, "film.mkv"),
    await hosts.share(SEEDER, "course"),
  ];
  return { hosts, film: filmShared, course: courseShared, page: await hosts.open(USER) };
}

liveTest(
  "live page: a download is paused, resumed, limited, chosen from, verified, and removed",
  async () => {
    const begun = await begin();
    await using hosts = begun.hosts;
    const { page, course } = begun;
    const stateOf = async () => (await hosts.torrent(USER, "course"))?.state;
    const click = (name: string) => page.click(`.orders button:text-is("${name}")`);
    await hosts.run(SEEDER, "limit", "--up", "500K");
    await page.click('button:has-text("Get a file from others")');
    await page.fill("dialog form input", course.magnet);
    await page.keyboard.press("Enter");
    await dialogClosed(page);
    await page.waitForSelector('.chip:has-text("downloading")');

    await page.click("#fold-files h3 button");
    const tick = (file: number) => page.locator("#part-files input").nth(file);
    const isWanted = async (file: number) => {
      const { files } = await hosts.ask<{ files: FileView[] }>(USER, `/torrents/${course.infoHash}/files`);
      return files[file].isWanted;
    };
    await page.locator("#part-files .file").nth(2).waitFor();
    await tick(1).uncheck();
    await told(page, "course/b.bin is left out");
    assert.equal(await isWanted(1), false);
    await page.waitForSelector('#part-files :text("2 files of 3 wanted")');
    await tick(2).uncheck();
    await told(page, "course/c.bin is left out");
    await page.waitForSelector("#part-files input:disabled");
    assert.ok(await tick(0).isDisabled(), "the last one must stay");

    await click("Pause");
    await told(page, "course is paused");
    await page.waitForSelector('.chip:has-text("paused")');
    assert.equal(await stateOf(), "paused");
    await look(page, "paused");
    await click("Resume");
    await told(page, "course goes on");
    await page.waitForSelector('.chip:has-text("downloading")');
    await page.click("h2");
    await page.keyboard.press("Space");
    await page.waitForSelector('.chip:has-text("paused")');
    await page.keyboard.press("Space");
    await page.waitForSelector('.chip:has-text("downloading")');

    const limits = async (kib: string) => {
      await click("Limits");
      await page.fill("dialog [name=maxDownload]", kib);
      await page.click('dialog button:has-text("Set")');
      await dialogClosed(page);
      await told(page, "The limits of course hold from now on");
      const { choices } = await hosts.ask<TorrentDetails>(USER, `/torrents/${course.infoHash}`);
      return choices.maxDownload;
    };
    assert.equal(await limits("50"), 50 * 1024);
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".figures div")].some(({ textContent }) =>
        /^down\d\d KiB/.test(textContent!)
      )
    );
    await look(page, "limited");
    assert.equal(await limits(""), undefined);

    for (const fold of ["pieces", "peers", "trackers", "log"]) await page.click(`#fold-${fold} h3 button`);
    await page.waitForSelector('#part-pieces :text("The rarest piece that is missing here has 1 copy.")');
    const { peers: [seeder] } = await hosts.ask<{ peers: PeerView[] }>(
      USER,
      `/torrents/${course.infoHash}/peers`,
    );
    await page.waitForSelector(`#part-peers tr:has-text("${seeder.endpoint}"):has-text("100 %")`);
    await page.waitForSelector('#part-trackers td:has-text("http://10.99.0.1:6969/announce")');
    await page.waitForSelector("#part-log .entry");
    await look(page, "all parts");
    await click("Ask trackers");
    await told(page, "The trackers of course are asked");

    await hosts.run(SEEDER, "limit", "--up", "none");
    await until("a.bin is there", () => hosts.has(USER, "course/a.bin", parts[0].data));
    for (const file of [1, 2]) {
      await tick(file).check();
      await told(page, `course/${parts[file].name} is fetched`);
    }
    await page.waitForSelector('.chip:has-text("complete, shared")');
    for (const { name, data } of parts) assert.ok(await hosts.has(USER, `course/${name}`, data), name);

    // A disk that has gone wrong in secret: nothing of it can be seen but by reading it.
    await spoilInSecret(hosts.home(USER, "shareable", "course", "b.bin"));
    await click("Verify");
    await told(page, "course is checked anew");
    await until("b.bin is mended", () => hosts.has(USER, "course/b.bin", parts[1].data));
    await page.waitForSelector('.chip:has-text("complete, shared")');

    await click("Remove");
    await page.click('dialog button:has-text("Keep it")');
    await dialogClosed(page);
    assert.equal(await stateOf(), "seeding");
    const remove = async () => {
      await page.click("dialog button.bad");
      await dialogClosed(page);
      await page.waitForSelector('h2:has-text("Nothing is shared yet")');
      assert.equal(await stateOf(), undefined);
    };
    await click("Remove");
    await remove();
    assert.ok(await hosts.has(USER, "course/b.bin", parts[1].data), "its data stays");

    // What is there already is not fetched again.
    await pasteText(page, course.magnet);
    await page.waitForSelector('.chip:has-text("complete, shared")');
    await click("Remove");
    await page.check('dialog input[type="checkbox"]');
    await look(page, "remove with data");
    await remove();
    for (const { name } of parts) {
      await assert.rejects(Deno.stat(hosts.home(USER, "shareable", "course", name)), Deno.errors.NotFound);
    }
  },
);

liveTest("live page: torrents are added by address, file, drop and link; refusals say why", async () => {
  const begun = await begin();
  await using hosts = begun.hosts;
  const { page, film: { infoHash, magnet } } = begun;
  const address = `http://${hosts.lan.address(SEEDER)}:6969/torrent/`;
  await page.keyboard.press("a");
  await page.fill("dialog form input", `${address}${infoHash}.torrent`);
  await page.click('dialog button:has-text("Add")');
  await told(page, "film.mkv is added");
  await until("film.mkv is there", () => hosts.has(USER, "film.mkv", film));

  const torrent = await Deno.readFile(hosts.home(SEEDER, "torrents", "course.torrent"));
  await dropFile(page, "course.torrent", torrent);
  await told(page, "course is added");
  await page.waitForSelector('[aria-label="Torrents"] .chosen:has-text("course")');
  await until("course is there", () => hosts.has(USER, "course/c.bin", parts[2].data));
  await look(page, "two torrents");

  await page.click('header button:has-text("Add")');
  await page.setInputFiles('dialog input[type="file"]', {
    name: "again.torrent",
    mimeType: "",
    buffer: Buffer.from(torrent),
  });
  await dialogClosed(page);
  await told(page, "course was here already");
  await dropText(page, magnet);
  await told(page, "film.mkv was here already");
  await page.waitForSelector('[aria-label="Torrents"] .chosen:has-text("film.mkv")');

  await dropFile(page, "broken.torrent", "d4:infodee");
  await told(page, "broken.torrent: ");
  await dropFile(page, "lecture.mp4", "a film");
  await page.waitForSelector('dialog .notice:has-text("lecture.mp4 is no .torrent file")');
  await page.waitForSelector('[aria-label="Share film.mkv"]');
  await page.fill("dialog form input", hosts.home(USER, "state"));
  await page.keyboard.press("Enter");
  await page.waitForSelector('dialog .notice.bad:has-text("peer share")');
  await look(page, "a refusal");
  await page.keyboard.press("Escape");
  await dialogClosed(page);
  assert.equal(await textOf(page, "h2"), "film.mkv");
});

liveTest(
  "live page: a failure is told beside the numbers, and tried again once its cause is gone",
  async () => {
    const begun = await begin();
    await using hosts = begun.hosts;
    const { page, film: { magnet } } = begun;
    const own = new TextEncoder().encode("the user's own");
    await hosts.put(USER, "film.mkv", own);
    await pasteText(page, magnet);
    await page.waitForSelector('.trouble.bad:has-text("film.mkv")');
    await page.waitForSelector('.chip:has-text("failed")');
    await page.waitForSelector(".warnings");
    await look(page, "failed");
    assert.ok(await hosts.has(USER, "film.mkv", own));
    await Deno.remove(hosts.home(USER, "shareable", "film.mkv"));
    await page.click('.orders button:text-is("Try again")');
    await page.waitForSelector('.chip:has-text("complete, shared")');
    await page.waitForSelector(".trouble", { state: "detached" });
    assert.ok(await hosts.has(USER, "film.mkv", film));
  },
);
