/**
 * The page in Chromium, in front of a program that only seems to run. With `PEER_SCREENSHOTS=FOLDER` each view is kept as
 * pictures, for the eye to look at.
 */
/// <reference lib="dom" />
import assert from "node:assert/strict";
import { type Browser, openChromium, type Page } from "../harness/processes/chromium.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { FakeProgram, type Order, type Scene } from "./fake_program.ts";
import {
  assertAccessible,
  complaintsOf,
  dialogClosed,
  dropFile,
  pasteText,
  takePicture,
  textOf,
} from "./looking.ts";
import { HOSTILE_NAME, SCENES } from "./scenes.ts";

const WIDTHS = [360, 1280, 2560];
const test = needs("chromium", "playwright-core", "axe-core");

/** A page on a scene; whatever the page complains about fails the test. */
interface Stage {
  readonly page: Page;
  readonly program: FakeProgram;
  /** Does something that makes the page give an order, and returns that order. */
  readonly orderOf: (act: () => Promise<unknown>) => Promise<Order>;
}

interface StageOptions {
  readonly width?: number;
  /** Complaints that belong to the scene. */
  readonly mayComplain?: RegExp;
  /** Whether the test moves the clock of the page on. */
  readonly movesClock?: boolean;
}

async function onStage(
  browser: Browser,
  scene: Scene,
  run: (stage: Stage) => Promise<void>,
  { width = 1280, mayComplain = /status of 401/, movesClock = false }: StageOptions = {},
): Promise<void> {
  await using program = new FakeProgram(scene);
  const viewport = { width, height: Math.max(800, width * 0.6) };
  const page = await browser.newPage({ viewport });
  const complaints = complaintsOf(page, mayComplain);
  const orderOf = async (act: () => Promise<unknown>) => {
    const order = program.nextOrder();
    await act();
    return await order;
  };
  try {
    if (movesClock) await page.clock.install();
    await page.goto(`${program.address}${scene.isLocked ? "" : "#token=secret"}`);
    await page.waitForSelector("main");
    await run({ page, program, orderOf });
  } finally {
    await page.close();
  }
  assert.deepEqual(complaints, []);
}

/** A scene, and what is done on it before it is looked at. */
interface View extends Pick<StageOptions, "mayComplain" | "movesClock"> {
  readonly scene: Scene;
  readonly act?: (stage: Stage) => Promise<unknown>;
}

/** Opens a dialog by a button, and waits for a part of it. */
const opened = (button: string, part: string) => async ({ page }: Stage) => {
  await page.click(`button:has-text("${button}")`);
  await page.waitForSelector(`dialog ${part}`);
};

const VIEWS: Readonly<Record<string, View>> = {
  ...Object.fromEntries(Object.entries(SCENES).map(([name, scene]) => [name, { scene }])),
  "share dialog": { scene: SCENES["room of 30"], act: opened("Share", ".entry-row") },
  "share dialog of nothing": { scene: SCENES["empty folder"], act: opened("Share a file", ".empty") },
  "add dialog": { scene: SCENES["room of 30"], act: opened("Add", ".near li") },
  "add dialog of nothing": { scene: SCENES["empty folder"], act: opened("Add", ".near .empty") },
  "alone for long": {
    scene: SCENES.alone,
    movesClock: true,
    act: async ({ page }) => {
      await page.waitForSelector(".type .code");
      await page.clock.fastForward(31_000);
      await page.waitForSelector('[aria-label="Hosts"] li:has-text("allow it")');
    },
  },
  "code dialog": { scene: SCENES.alone, act: opened("Link and code", ".qr path") },
  "offer dialog": { scene: SCENES.fleet, act: opened("Offer to hosts", "label") },
  "full screen": {
    scene: SCENES["room of 30"],
    act: async (stage) => {
      await opened("Link and code", ".qr path")(stage);
      await stage.page.click('button:has-text("Full screen")');
      await stage.page.waitForFunction(() => document.fullscreenElement !== null);
    },
  },
  "limits dialog": { scene: SCENES["room of 30"], act: opened("Limits", "input") },
  "remove dialog": { scene: SCENES["room of 30"], act: opened("Remove", "input") },
  unfolded: {
    scene: SCENES["room of 30"],
    act: async ({ page, program }) => {
      for (const fold of ["files", "pieces", "peers", "trackers", "log"]) {
        await page.click(`#fold-${fold} h3 button`);
      }
      program.send({}, [{
        event: "warning",
        message: "tracker 10.0.0.9: connection refused",
        time: Date.now(),
      }]);
      await page.waitForSelector(".entry.warning");
      await page.waitForSelector("#part-files .file");
      await page.locator("#fold-files").scrollIntoViewIfNeeded();
    },
  },
  disconnected: {
    scene: SCENES["room of 30"],
    act: async ({ page, program }) => {
      await page.waitForSelector(".host");
      await program[Symbol.asyncDispose]();
      await page.waitForSelector('.lost[role="alert"]');
    },
    mayComplain: /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY|ERR_CONNECTION_RESET/,
  },
};

for (const [name, { scene, act, ...options }] of Object.entries(VIEWS)) {
  test(`page: ${name}: drawn at every width, light and dark, without a serious finding of axe`, async () => {
    await using browser = await openChromium();
    for (const width of WIDTHS) {
      await onStage(browser, scene, async (stage) => {
        const { page } = stage;
        if (scene.hosts !== undefined) await page.waitForSelector('[aria-label="Hosts"]');
        await act?.(stage);
        const excess = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return scrollWidth - clientWidth;
        });
        assert.ok(excess <= 0, `${excess} px wider than a window of ${width}`);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme });
          await takePicture(page, `${name}-${width}-${colorScheme}`);
          await assertAccessible(page, `${name}, ${width} px, ${colorScheme}`);
        }
      }, { width, ...options });
    }
  });
}

test("page: hostile names are text and change nothing", async () => {
  await using browser = await openChromium();
  await onStage(browser, SCENES.hostile, async ({ page, program }) => {
    assert.equal(await textOf(page, "h2 bdi"), HOSTILE_NAME);
    for (const fold of ["files", "peers", "trackers", "log"]) await page.click(`#fold-${fold} h3 button`);
    program.send({}, [{ event: "warning", message: HOSTILE_NAME }]);
    await page.waitForSelector(".entry.warning");
    await page.waitForSelector("#part-files .file");
    assert.equal(await page.locator("img, script:not([src])").count(), 0);
    assert.equal(
      await page.locator(".host .name").first().textContent().then((text) => text?.startsWith("<img")),
      true,
    );
  });
});

test("page: it says who is not done, and finds, sorts and filters hosts", async () => {
  await using browser = await openChromium();
  await onStage(browser, SCENES["room of 30"], async ({ page }) => {
    assert.match(await textOf(page, ".answer"), /^\d+ of 30 have it · \d+ to go, last one in about 2 min$/);
    await page.waitForSelector(".host");
    const names = () => page.locator(".host .name").allTextContents();
    const [first] = await names();
    assert.equal(first, "pc-13", "the failed one comes first");
    await page.click('button:has-text("slow")');
    assert.ok((await names()).every((name) => ["pc-07", "pc-17", "pc-27", "pc-13"].includes(name)));
    await page.click('button:has-text("all")');
    await page.fill('[aria-label="Search the hosts"]', "aria2");
    assert.deepEqual(await names(), ["10.0.0.20"]);
    await page.fill('[aria-label="Search the hosts"]', "");
    await page.selectOption("select", "name");
    await page.waitForFunction(() => document.querySelector(".host .name")?.textContent === "10.0.0.20");
    assert.match(await textOf(page, '.host:has-text("pc-17") .why'), /^slow: its disk/);
  });
});

test("page: offers of the fleet say how the hosts take them, and are taken and declined", async () => {
  await using browser = await openChromium();
  await onStage(browser, SCENES.offers, async ({ page, orderOf }) => {
    assert.match(
      await textOf(page, ".offers li"),
      /^image\.vhdx 4 GiB 3 hosts were offered it: 1 took it, pc-22 is away, pc-07 is full \(needs 4 GiB, has 1\.2 GiB\) Wake those that are away Take back$/,
    );
    assert.equal(await page.locator(".offers img").count(), 0);
    assert.deepEqual(await orderOf(() => page.click('.offers button:has-text("Wake those that are away")')), {
      path: "fleet/wake",
      body: { hosts: ["pc-22"] },
    });
    await page.waitForFunction(() => document.querySelector(".notice span")?.textContent === "Sent");
    assert.deepEqual(await orderOf(() => page.click('.offers button:has-text("Take it")')), {
      path: "fleet/accept",
      body: { infoHash: "2".repeat(40) },
    });
    const declining = () => page.click('.offers li:has-text("exam.pdf") button:has-text("Decline")');
    assert.deepEqual(await orderOf(declining), {
      path: "fleet/decline",
      body: { infoHash: "3".repeat(40) },
    });
    await page.waitForFunction(() => document.querySelector(".notice span")?.textContent === "Declined");
  });
});

test("page: every order reaches the program, by the mouse and by the keyboard", async () => {
  await using browser = await openChromium();
  await onStage(browser, SCENES["room of 30"], async ({ page, program, orderOf }) => {
    const path = `torrents/${Object.values(program.scene.state.torrents)[0].infoHash}`;
    const click = (selector: string) => () => page.click(selector);
    const taken = async (act: () => Promise<unknown>, expected: Order) =>
      assert.deepEqual(await orderOf(act), expected);
    await taken(click('button:has-text("Pause")'), { path: `${path}/pause`, body: {} });
    await taken(click('button:has-text("Verify")'), { path: `${path}/verify`, body: {} });
    await page.click("h2");
    await taken(() => page.keyboard.press("Space"), { path: `${path}/pause`, body: {} });

    await page.click('button:has-text("Limits")');
    await page.fill("input[name=maxUpload]", "500");
    await taken(click('dialog button:has-text("Set")'), {
      path: `${path}/choose`,
      body: {
        maxDownload: null,
        maxUpload: 512_000,
        uploadSlots: null,
        downloadSources: null,
        seedRatio: null,
      },
    });
    await dialogClosed(page);

    await page.click("#fold-files h3 button");
    const second = page.locator('#part-files input[type="checkbox"]').nth(1);
    await taken(() => second.click(), { path: `${path}/select`, body: { files: { unwanted: [1] } } });

    await page.click('button:has-text("Remove")');
    await taken(click('dialog button:has-text("Remove")'), {
      path: `${path}/remove`,
      body: { deleteData: false },
    });
    await dialogClosed(page);
    await page.click('button:has-text("Remove")');
    await page.check('dialog input[type="checkbox"]');
    await taken(click('dialog button:has-text("delete")'), {
      path: `${path}/remove`,
      body: { deleteData: true },
    });
    await dialogClosed(page);
    await page.click('button:has-text("Link and code")');
    await page.waitForSelector("dialog svg.qr path");
    assert.equal(await textOf(page, "dialog .code"), "peer get otter velvet lamp river");
    await page.keyboard.press("Escape");
    await dialogClosed(page);
  });
});

test("page: torrents are taken by link, address, code, file and drop, and from hosts near by", async () => {
  await using browser = await openChromium();
  await onStage(browser, SCENES["room of 30"], async ({ page, orderOf }) => {
    const typed = async (text: string) => {
      await page.keyboard.press("a");
      await page.waitForSelector("dialog input:focus");
      const order = await orderOf(async () => {
        await page.keyboard.type(text);
        await page.keyboard.press("Enter");
      });
      await dialogClosed(page);
      return order;
    };
    const magnet = "magnet:?xt=urn:btih:abc";
    assert.deepEqual(await typed(magnet), { path: "torrents", body: { magnet } });
    const url = "http://10.0.0.7:6969/x.torrent";
    assert.deepEqual(await typed(url), { path: "torrents", body: { url } });
    const body = {
      magnet: `magnet:?xt=urn:btih:${"1".repeat(40)}`,
      listed: true,
      peers: ["10.0.0.5:6881"],
    };
    await page.keyboard.press("a");
    await page.waitForSelector(".near li");
    assert.equal(await page.locator(".near li").count(), 3, "what is here already is not offered");
    assert.deepEqual(await orderOf(() => page.locator(".near li button").nth(1).click()), {
      path: "torrents",
      body,
    });
    await dialogClosed(page);
    assert.deepEqual(await orderOf(() => dropFile(page, "x.torrent")), {
      path: "torrents",
      body: "d4:infodee",
    });
    assert.deepEqual(await orderOf(() => pasteText(page, magnet)), { path: "torrents", body: { magnet } });
  });
  // No order is under way here, whose notice would come after that of the drop.
  await onStage(browser, SCENES["room of 30"], async ({ page }) => {
    // A browser tells no paths, so that the user is shown where to choose the file.
    await dropFile(page, "lecture.mp4");
    await page.waitForSelector("dialog .entry-row");
    assert.match(
      await textOf(page, ".notice"),
      /^lecture\.mp4 is no \.torrent file; to share it, choose it here/,
    );
  });
  const one = { ...SCENES["room of 30"].looks!.lookups as { shares: unknown[] } };
  const scene = { ...SCENES.empty, looks: { lookups: { ...one, shares: one.shares.slice(0, 1) } } };
  await onStage(browser, scene, async ({ page, orderOf }) => {
    await page.click('button:has-text("Get a file from others")');
    await page.fill("dialog input", " otter velvet  lamp-river ");
    const order = await orderOf(() => page.keyboard.press("Enter"));
    assert.deepEqual(order, {
      path: "torrents",
      body: { magnet: `magnet:?xt=urn:btih:${"0".repeat(40)}`, listed: true, peers: ["10.0.0.5:6881"] },
    });
  });
});

test("page: a file is shared from the list or by its path, read, cancelled, and its code shown at the end", async () => {
  await using browser = await openChromium();
  await onStage(browser, { ...SCENES["room of 30"] }, async ({ page, program, orderOf }) => {
    await page.keyboard.press("s");
    await page.waitForSelector(".entry-row");
    assert.equal(await page.locator(".entry-row img").count(), 0);
    const path = "/home/teacher/peer/shareable/lecture.mp4";
    const reading = { id: 1, path, done: 340, total: 1_000 };
    program.scene = { ...program.scene, shares: [reading] };
    assert.deepEqual(await orderOf(() => page.click('[aria-label="Share lecture.mp4"]')), {
      path: "shares",
      body: { path },
    });
    await dialogClosed(page);
    await page.waitForSelector('.sharing:has-text("34 %")');
    assert.deepEqual(await orderOf(() => page.click('.sharing button:has-text("Cancel")')), {
      path: "shares/cancel",
      body: { id: 1 },
    });
    const [{ infoHash }] = Object.values(program.scene.state.torrents);
    const shared = {
      infoHash,
      name: "lecture.mp4",
      length: 1,
      files: 1,
      code: "a b c d",
      magnet: "",
      isNew: true,
    };
    program.scene = { ...program.scene, shares: [{ ...reading, done: 1_000, shared }] };
    await page.waitForSelector("dialog .code");
    assert.equal(await textOf(page, ".notice span"), "lecture.mp4 is shared");
    assert.equal(await page.locator(".sharing").count(), 0);
    await page.keyboard.press("Escape");
    await dialogClosed(page);

    await page.click('button:has-text("Share a file")');
    await page.fill("dialog form input", "/srv/films/film.mp4");
    program.scene = { ...program.scene, shares: [{ ...reading, failure: "the disk is gone" }] };
    const byPath = await orderOf(() => page.keyboard.press("Enter"));
    assert.deepEqual(byPath, { path: "shares", body: { path: "/srv/films/film.mp4" } });
    await page.waitForSelector('.notice.bad:has-text("the disk is gone")');
    // What goes wrong in a dialog is told there: everything else lies below it.
    await page.keyboard.press("a");
    await page.fill("dialog form input", "no code");
    await page.keyboard.press("Enter");
    await page.waitForSelector('dialog .notice.bad:has-text("neither a code")');
  });
});

test("page: what changes in the program is seen at once, and a lost program leaves its last numbers, in grey", async () => {
  await using browser = await openChromium();
  const scene = SCENES["room of 30"];
  await onStage(browser, scene, async ({ page, program }) => {
    const [{ infoHash }] = Object.values(scene.state.torrents);
    program.send({ torrents: { [infoHash]: { room: { done: 30, slow: 0, lastInS: null } } } });
    await page.waitForFunction(() =>
      document.querySelector(".answer")?.textContent === "All 30 hosts have it"
    );
    program.send({ torrents: { [infoHash]: null } });
    await page.waitForSelector('h2:has-text("Nothing is shared yet")');
    await program[Symbol.asyncDispose]();
    await page.waitForSelector('.lost[role="alert"]');
    assert.ok(await page.locator(".page.stale").count() === 1);
  }, { mayComplain: VIEWS.disconnected.mayComplain! });
});

test("page: the token leaves the address and is kept for this tab alone", async () => {
  await using browser = await openChromium();
  await onStage(browser, SCENES.empty, async ({ page }) => {
    assert.ok(!page.url().includes("secret"), page.url());
    assert.equal(await page.evaluate(() => sessionStorage.getItem("peer-authorization")), "Bearer secret");
    assert.equal(await page.evaluate(() => document.cookie + JSON.stringify(localStorage)), "{}");
  });
});
