/** Pages of others in the user's browser: a real Chromium, in which they try to read from us and to give us orders. */
import assert from "node:assert/strict";
import { openChromium, type Page } from "../harness/processes/chromium.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { sharedData } from "../harness/sessions/test_session.ts";
import { ApiHome } from "./api_home.ts";

/** A web server of somebody else, whose only page is empty. */
function serveForeignPage() {
  const html = () => new Response("<title>evil</title>", { headers: { "Content-Type": "text/html" } });
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, html);
}

/** Statuses of the answers that a page got from us, sorted. */
function statusesOf(page: Page, url: string): number[] {
  const statuses: number[] = [];
  page.on("response", (response) => {
    if (new URL(response.url()).port === new URL(url).port) statuses.push(response.status());
  });
  return statuses;
}

needs("chromium", "playwright-core")(
  "a name that is bent to lead here (DNS rebinding) opens nothing",
  async () => {
    await using home = await ApiHome.start();
    const { port } = new URL(home.url);
    await using browser = await openChromium(["--host-resolver-rules=MAP evil.test 127.0.0.1"]);
    const page = await browser.newPage();
    assert.equal((await page.goto(`http://evil.test:${port}/`))!.status(), 421);
    // The page counts as one of this origin now, and may read every answer.
    const statuses = await page.evaluate(async (token) => {
      const paths = ["/api/v1/state", "/api/v1/session/stop", "/transmission/rpc", "/healthz", "/page.js"];
      const headers = { Authorization: `Bearer ${token}` };
      const answers = paths.map((path) =>
        fetch(path, { method: path.endsWith("stop") ? "POST" : "GET", headers })
      );
      return (await Promise.all(answers)).map(({ status }) => status);
    }, home.token);
    assert.deepEqual(statuses, [421, 421, 421, 421, 421]);
    assert.equal(home.stops, 0);
  },
);

needs("chromium", "playwright-core")(
  "a page of another origin gives no orders, even where the browser knows the password",
  async () => {
    await using home = await ApiHome.start();
    const shared = sharedData(50_000);
    await home.test.seed(shared);
    const { password } = await home.client.get("/web");
    await using foreign = serveForeignPage();
    await using browser = await openChromium(["--host-resolver-rules=MAP evil.test 127.0.0.1"]);
    const context = await browser.newContext({
      httpCredentials: { username: "peer", password: String(password), send: "always" },
    });
    const page = await context.newPage();
    await page.goto(`http://evil.test:${foreign.addr.port}/`);
    const statuses = statusesOf(page, home.url);
    const read = await page.evaluate(async (url) => {
      const pause = `${url}/api/v1/torrents/all/pause`;
      const rpc = `${url}/transmission/rpc`;
      const plain = { method: "POST", mode: "no-cors", credentials: "include" } as const;
      const json = { "Content-Type": "application/json" };
      const tries = [
        () => fetch(pause, { ...plain, body: "{}" }),
        () => fetch(`${url}/api/v1/session/stop`, plain),
        () => fetch(rpc, { ...plain, body: '{"method":"torrent-stop"}' }),
        // What the page may read of it would tell a secret or the state.
        () => fetch(`${url}/api/v1/state`, { credentials: "include" }),
        () => fetch(pause, { method: "POST", headers: json, body: "{}" }),
        () => fetch(rpc, { headers: { "X-Transmission-Session-Id": "x" } }),
      ];
      const texts: string[] = [];
      for (const attempt of tries) texts.push(await attempt().then((answer) => answer.text(), () => ""));
      return texts.join("");
    }, home.url);
    assert.equal(read, "");
    // The orders did come here, and were refused.
    assert.ok(statuses.includes(403), `${statuses}`);

    const form = page.waitForResponse((response) => response.request().method() === "POST");
    await page.evaluate((url) => {
      document.body.innerHTML =
        `<form method=post enctype=text/plain action="${url}/api/v1/torrents/all/pause"></form>`;
      document.forms[0].submit();
    }, home.url);
    assert.equal((await form).status(), 403);

    assert.equal(home.stops, 0);
    assert.equal(home.test.session.snapshot()[0].state, "seeding");
  },
);

needs("chromium", "playwright-core")("our page cannot be framed by others", async () => {
  await using home = await ApiHome.start();
  await using foreign = serveForeignPage();
  await using browser = await openChromium();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${foreign.addr.port}/`);
  await page.evaluate((url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    const loaded = new Promise((resolve) => frame.onload = resolve);
    document.body.append(frame);
    return loaded;
  }, home.url);
  const inner = page.frames().find((frame) => frame !== page.mainFrame());
  assert.doesNotMatch(inner?.url() ?? "", /^http:\/\/127/);
});
