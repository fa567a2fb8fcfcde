import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { silentLogger } from "../../../lib/log.ts";
import { HttpServer, type HttpService, listenForHttp } from "../../../lib/net/http/http_server.ts";
import { infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import { shareCode } from "../../../lib/protocol/share_code.ts";
import type { Share } from "../../../lib/protocol/share_messages.ts";
import { HandOut } from "../../../lib/session/hand_out/hand_out.ts";
import { findPrograms, type System } from "../../../lib/session/hand_out/programs.ts";
import { TRACKER } from "../../../lib/settings.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { TestSession } from "../../harness/sessions/test_session.ts";

const PROGRAM = randomBytes(700_000, 1);
const SHARE: Share = {
  infoHash: infoHashFromBytes(new Uint8Array(20).fill(7)),
  name: `<script>"a" & b</script>\x1b[31m`,
  length: 1,
  files: 1,
  trackers: [],
  isListed: true,
};
const tracker: HttpService = ({ path }) => ({ status: path === "/announce" ? 200 : 404 });

/** A server that hands out `peer.exe` for Windows, from a folder; `url` is its page. */
async function serving() {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "peer.exe");
  await Deno.writeFile(path, PROGRAM);
  const places = (system: System) => [join(folder, "none"), join(folder, `${system.folder}-none`)];
  const programs = findPrograms(
    new AbortController().signal,
    (system) => system.folder === "windows" ? [...places(system), folder, path] : places(system),
  );
  const handOut = new HandOut({ shares: () => [SHARE], port: () => server.port, programs });
  const server: HttpServer = new HttpServer({
    listening: listenForHttp({ host: "127.0.0.1", port: 0, ports: { first: 0, last: 0 } }),
    service: handOut.serving(tracker),
    limits: TRACKER,
    log: silentLogger,
  });
  return {
    path,
    server,
    url: `http://127.0.0.1:${server.port}/get`,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Status and text of an answer. */
async function ask(url: string, method = "GET"): Promise<[status: number, text: string]> {
  const answer = await fetch(url, { method });
  return [answer.status, await answer.text()];
}

Deno.test("HandOut lists programs with their hashes, and the lines to paste for what is shared", async () => {
  await using served = await serving();
  const [status, page] = await ask(served.url);
  assert.equal(status, 200);
  assert(page.includes(createHash("sha256").update(PROGRAM).digest("hex")));
  const code = shareCode(SHARE.infoHash);
  const line = `cmd /c "curl -fO ${served.url}/windows/peer.exe && peer.exe get ${code}"`;
  assert(page.includes(line.replaceAll("&", "&#38;").replaceAll('"', "&#34;")));
  assert(!page.includes("<script>") && !page.includes("\x1b"), "a name is text");
  assert(!page.includes("macOS"), "a program that is not there is not listed");
});

Deno.test("HandOut gives the program as it is, to several at once", async () => {
  await using served = await serving();
  const got = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const answer = await fetch(`${served.url}/windows/peer.exe`);
      assert.equal(answer.headers.get("content-length"), String(PROGRAM.length));
      return await answer.bytes();
    }),
  );
  for (const bytes of got) assert.deepEqual(bytes, PROGRAM);
});

Deno.test("HandOut serves nothing but its programs, and none that changed", async () => {
  await using served = await serving();
  const others = ["windows/", "windows/peer", "windows/../windows/peer.exe/", "windows/none", "linux/peer"];
  for (const path of [...others, "../announce", "%2e%2e/peer.exe", "//windows/peer.exe"]) {
    assert.equal((await ask(`${served.url}/${path}`))[0], path === "../announce" ? 200 : 404, path);
  }
  assert.equal((await ask(`${served.url}ter`))[0], 404);
  assert.equal((await ask(served.url, "POST"))[0], 405);
  await Deno.writeFile(served.path, PROGRAM.subarray(1));
  assert.equal((await ask(`${served.url}/windows/peer.exe`))[0], 404);
});

Deno.test("HandOut counts downloads that were broken off no more", async () => {
  await using served = await serving();
  for (let round = 0; round < 100; round++) {
    const answer = await fetch(`${served.url}/windows/peer.exe`);
    assert.equal(answer.status, 200, `round ${round}`);
    await answer.body!.cancel();
  }
});

Deno.test("Session hands out only where the user wants that", async () => {
  for (const handsOut of [false, true]) {
    await using test = await TestSession.start({ runTracker: true, handsOut });
    const { trackerPort } = test.session.process();
    const [status] = await ask(`http://127.0.0.1:${trackerPort}/get`);
    assert.equal(status, handsOut ? 200 : 404);
  }
});
