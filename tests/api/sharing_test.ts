/** Files of this machine are shared over the interface: what may be, what is refused, and what is told. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { FolderView, ShareView } from "../../lib/api/shapes.ts";
import { shareCode } from "../../lib/protocol/share_code.ts";
import { API } from "../../lib/settings.ts";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { ApiHome } from "./api_home.ts";

/** A home, a folder that programs on the network may use, and one that they may not. */
async function startedHome() {
  const root = await Deno.realPath(await Deno.makeTempDir());
  const [films, secret] = [join(root, "films"), join(root, "secret")];
  for (const folder of [films, secret, join(films, "disc 1")]) await Deno.mkdir(folder);
  await Deno.writeTextFile(join(films, "film.txt"), "a film");
  await Deno.writeTextFile(join(secret, "key.txt"), "a key");
  const home = await ApiHome.start({ outputFolders: [films] });
  await Deno.writeTextFile(join(home.test.home, "shareable", "notes.txt"), "some notes");
  /** Posts over TCP, as the page does; returns status and answer. */
  const post = async (path: string, body: object) => {
    const response = await fetch(`${home.url}/api/v1/${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${home.token}` },
      body: JSON.stringify(body),
    });
    return { status: response.status, answer: await response.json() };
  };
  /** Waits until a share has ended. */
  const ended = async (id: number): Promise<ShareView> => {
    while (true) {
      const { shares } = await home.client.get("/shares") as unknown as { shares: ShareView[] };
      const share = shares.find((each) => each.id === id);
      assert.ok(share !== undefined);
      if (share.shared !== undefined || share.failure !== undefined) return share;
      await delay(20);
    }
  };
  const end = async () => {
    await home[Symbol.asyncDispose]();
    await Deno.remove(root, { recursive: true });
  };
  return { home, root, films, secret, post, ended, [Symbol.asyncDispose]: end };
}

Deno.test("the network shares what lies in allowed folders from there, and is told what others get it by", async () => {
  await using all = await startedHome();
  const { home, films, post, ended } = all;
  const { session } = home.test;
  for (const path of [join(films, "film.txt"), join(home.test.home, "shareable", "notes.txt"), films]) {
    const { status, answer } = await post("shares", { path });
    assert.equal(status, 201);
    const { shared, failure, done, total } = await ended(answer.id);
    assert.equal(failure, undefined);
    assert.ok(shared?.isNew && done === 1 && total === 1);
    const infoHash = shared.infoHash as InfoHash;
    const { folder, isListed, code, magnet } = session.details(infoHash);
    assert.equal(folder, await Deno.realPath(join(path, "..")));
    assert.deepEqual([isListed, code, magnet], [true, shared.code, shared.magnet]);
    assert.equal(shared.code, shareCode(infoHash));
    while (!session.snapshotOf(infoHash).seeding) await delay(20);
  }
  assert.equal(await Deno.readTextFile(join(films, "film.txt")), "a film");
  const again = await post("shares", { path: join(films, "film.txt"), listed: false });
  const { shared } = await ended(again.answer.id);
  assert.equal(shared?.isNew, false);
  assert.equal(session.details(shared!.infoHash as InfoHash).isListed, false);
});

needs("symbolic links")(
  "hostile paths are refused in one line, which does not tell what is there",
  async () => {
    await using all = await startedHome();
    const { home, root, films, secret, post } = all;
    await Deno.symlink(secret, join(films, "out"));
    await Deno.symlink(join(root, "nothing"), join(films, "dangling"));
    const lines = new Set<string>();
    const outside = [
      secret,
      join(secret, "key.txt"),
      join(secret, "nothing"),
      "/",
      "/etc/passwd",
      "/proc/self/environ",
      `${films}/../secret/key.txt`,
      `${films}-else`,
      join(films, "out"),
      join(films, "out", "key.txt"),
      join(films, "dangling"),
      home.test.home,
      join(home.test.home, "state"),
      join(home.test.home, "state", "web-password"),
      join(home.test.home, "torrents"),
    ];
    for (const path of outside) {
      for (const [order, body] of [["shares", { path }], ["shares/look", { folder: path }]] as const) {
        const { status, answer } = await post(order, body);
        assert.equal(status, 403, path);
        lines.add(answer.detail);
      }
    }
    // One line for all: it tells apart neither what is there nor why.
    assert.equal(lines.size, 1);
    assert.match([...lines][0], /^Expected a path below shareable\/ or [^\n]+ `peer share PATH` shares any$/);
    for (
      const path of [
        "",
        "film.txt",
        "../films",
        "\0",
        `${films}/a\0b`,
        "file:///etc/passwd",
        "~/x",
        "x".repeat(5000),
      ]
    ) {
      assert.equal((await post("shares", { path })).status, 400, JSON.stringify(path.slice(0, 20)));
      assert.equal((await post("shares/look", { folder: path })).status, 400);
    }
    assert.deepEqual((await home.client.get("/shares")).shares, []);
    assert.deepEqual(home.test.session.snapshot(), []);
  },
);

Deno.test("what cannot be shared is told with the reason, and changes nothing", async () => {
  await using all = await startedHome();
  const { home, films, secret, post, ended } = all;
  const failureOf = async (path: string) => (await ended((await post("shares", { path })).answer.id)).failure;
  assert.match((await failureOf(join(films, "nothing")))!, /^Cannot read .*nothing: /);
  assert.match((await failureOf(join(films, "disc 1")))!, /^Expected a file in .*, got none$/);
  // The user of the machine may share from anywhere, but nothing that the program keeps for itself.
  const over = async (path: string) => (await home.client.post("/shares", { path })).id as number;
  assert.ok((await ended(await over(join(secret, "key.txt")))).shared !== undefined);
  assert.match(
    (await ended(await over(join(home.test.home, "state")))).failure!,
    /^Expected data, got a folder in which peer keeps its own files/,
  );
  assert.equal(home.test.session.snapshot().length, 1);
});

Deno.test("a share that is being read is cancelled, and too many at once are refused", async () => {
  await using all = await startedHome();
  const { home, films, post } = all;
  const path = join(films, "long.bin");
  await Deno.create(path).then((file) => file.truncateSync(40 * 1024 ** 3) ?? file.close());
  const begun = [];
  for (let i = 0; i < API.sharesUnderWay; i++) begun.push((await post("shares", { path })).answer.id);
  const { status, answer } = await post("shares", { path });
  assert.equal(status, 400);
  assert.match(answer.detail, /^Expected at most \d+ shares under way/);
  for (const id of begun) assert.equal((await post("shares/cancel", { id })).status, 200);
  assert.equal((await post("shares/cancel", { id: begun[0] })).status, 400);
  assert.deepEqual((await home.client.get("/shares")).shares, []);
  assert.deepEqual(home.test.session.snapshot(), []);
});

needs("symbolic links")(
  "a look into a folder tells its files and folders, without links and hidden files",
  async () => {
    await using all = await startedHome();
    const { home, films, post } = all;
    await Deno.writeTextFile(join(films, ".hidden"), "");
    await Deno.symlink("/etc", join(films, "etc"));
    const { answer: own } = await post("shares/look", {}) as { answer: FolderView };
    const shareable = join(home.test.home, "shareable");
    assert.deepEqual(own, {
      folder: shareable,
      folders: [shareable, films],
      entries: [{ name: "notes.txt", path: join(shareable, "notes.txt"), isFolder: false, length: 10 }],
      isCut: false,
    });
    const { answer: look } = await post("shares/look", { folder: films }) as { answer: FolderView };
    assert.deepEqual(look.entries.map(({ name, isFolder }) => [name, isFolder]), [["disc 1", true], [
      "film.txt",
      false,
    ]]);
    assert.equal(look.parent, undefined);
    assert.equal((await post("shares/look", { folder: join(films, "disc 1") })).answer.parent, films);
    assert.equal((await post("shares/look", { folder: join(films, "nothing") })).status, 500);
    for (let i = 0; i < API.entriesShown; i++) await Deno.writeTextFile(join(films, "disc 1", `${i}`), "");
    const full = async () =>
      (await post("shares/look", { folder: join(films, "disc 1") })).answer as FolderView;
    assert.equal((await full()).isCut, false);
    await Deno.writeTextFile(join(films, "disc 1", "one more"), "");
    assert.deepEqual([(await full()).isCut, (await full()).entries.length], [true, API.entriesShown]);
  },
);
