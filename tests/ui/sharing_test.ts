import assert from "node:assert/strict";
import { join } from "node:path";
import { TestSession } from "../harness/sessions/test_session.ts";
import { makeSharedData } from "../../lib/session/fleet/shared_data.ts";
import { ownTiers } from "../../lib/session/torrent_tools.ts";
import { OwnPeer } from "../../lib/ui/sharing/peer_here.ts";
import { qrLines } from "../../lib/ui/sharing/qr_code.ts";
import { runCommand } from "../harness/processes/cli_run.ts";

Deno.test("peer get names a wrong word and the nearest one, and wants --yes where it cannot ask", async () => {
  const home = await Deno.makeTempDir();
  const tries: [string[], RegExp][] = [
    [
      ["abandon", "ability", "able", "aboot"],
      /^peer: abandon ability able aboot: .*got aboot; did you mean about\?$/,
    ],
    [["abandon", "ability"], /Expected a code of 4 or 6 words, got 2$/],
    [
      ["abandon", "ability", "able", "about"],
      /^peer: get: Expected --yes, or a terminal on which to ask, got neither$/,
    ],
  ];
  for (const [words, message] of tries) {
    const { exitCode, err } = await runCommand("get", ...words, "--home", home);
    assert.equal(exitCode, 2);
    assert.match(err.join("\n"), message);
  }
  assert.deepEqual([...Deno.readDirSync(home)], [], "nothing was made");
  await Deno.remove(home);
});

Deno.test("peer share refuses what is not there, torrents, and what the program keeps for itself", async () => {
  const home = await Deno.makeTempDir();
  await Deno.mkdir(join(home, "state"));
  await Deno.writeTextFile(join(home, "state", "x"), "x");
  const args = [
    "--home",
    home,
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--tracker-port",
    "0",
    "--no-web",
    "--no-lsd",
  ];
  const refused: [string, RegExp][] = [
    [join(home, "nothing"), /nothing/],
    [home, /got a folder in which peer keeps its own files/],
    [join(home, "state", "x"), /got a folder in which peer keeps its own files/],
  ];
  for (const [path, message] of refused) {
    const { exitCode, err } = await runCommand("share", path, ...args);
    assert.equal(exitCode, 1);
    assert.match(err.join("\n"), message);
  }
  await Deno.remove(home, { recursive: true });
});

Deno.test("makeSharedData gives the same code for the same data under the same name, wherever it lies", async () => {
  const folder = await Deno.makeTempDir();
  const home = join(folder, "home");
  const made = [];
  for (const place of ["a", "b"]) {
    await Deno.mkdir(join(folder, place));
    await Deno.writeTextFile(join(folder, place, "notes.txt"), "the same");
    made.push(
      await makeSharedData(
        {
          path: join(folder, place, "notes.txt"),
          home,
          announceTiers: [[`http://10.0.0.${made.length}/`]],
        },
        () => {},
      ),
    );
  }
  assert.equal(made[0].metainfo.infoHash, made[1].metainfo.infoHash);
  assert.deepEqual(
    made.map(({ folder: each }) => each),
    ["a", "b"].map((place) => Deno.realPathSync(join(folder, place))),
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("ownTiers has a tier for each address that others reach, the best first, and only those listened on", () => {
  const interfaces = ["127.0.0.1", "fe80::1", "fd00::5", "10.0.0.5", "172.16.0.1"].map((address) => ({
    address,
  }));
  assert.deepEqual(ownTiers(6969, undefined, interfaces), [
    ["http://10.0.0.5:6969/announce"],
    ["http://172.16.0.1:6969/announce"],
    ["http://[fd00::5]:6969/announce"],
  ]);
  assert.deepEqual(ownTiers(6970, "10.0.0.5", interfaces), [["http://10.0.0.5:6970/announce"]]);
  assert.deepEqual(ownTiers(6970, "127.0.0.1", interfaces), []);
});

Deno.test("A shared file that changes is noticed, is not written, and is good again when it is as before", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "film.bin");
  const content = new Uint8Array(200_000).fill(7);
  await Deno.writeFile(path, content);
  await using test = await TestSession.start();
  const peer = new OwnPeer(test.session);
  const share = async (isListed: boolean) =>
    await peer.prepare({ path, pieceLength: undefined, isListed }, () => {}, new AbortController().signal);
  const { bytes, metainfo } = await makeSharedData({ path, home: test.home, announceTiers: [] }, () => {});
  assert(await (await share(true)).share());
  const snapshot = () => test.session.snapshot()[0];
  const until = async (isSo: () => boolean) => {
    const deadline = performance.now() + 20_000;
    while (!isSo()) {
      assert(performance.now() < deadline, `state ${snapshot().state}, ${snapshot().have} pieces`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await until(() => snapshot().seeding);
  assert.equal(test.session.details(metainfo.infoHash).folder, await Deno.realPath(folder));
  const other = content.slice().fill(9, 0, 50_000);
  await Deno.writeFile(path, other);
  await test.session.verify(metainfo.infoHash);
  await until(() => snapshot().state === "failed");
  assert.match(
    snapshot().failure!,
    /^film.bin has changed since it was shared, and is left as it is: share it again/,
  );
  // Others have what it was, and still it is the user's.
  await using room = await TestSession.start();
  await Deno.writeFile(join(room.home, "shareable", "film.bin"), content);
  await room.session.open({ bytes });
  await test.session.resume(metainfo.infoHash);
  test.session.addPeers(metainfo.infoHash, [`127.0.0.1:${room.session.port}`]);
  await until(() => snapshot().state === "failed");
  assert.deepEqual(new Uint8Array(await Deno.readFile(path)), other);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["film.bin"]);

  await Deno.writeFile(path, content);
  assert.equal(await (await share(false)).share(), false);
  await until(() => snapshot().seeding);
  assert.equal(test.session.details(metainfo.infoHash).isListed, false);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("A QR code fits the terminal or is left out", () => {
  const link = `magnet:?xt=urn:btih:${"a".repeat(40)}&dn=film.mp4&tr=http%3A%2F%2F10.0.0.5%3A6969%2Fannounce`;
  const lines = qrLines(link, 80, false);
  assert(lines.length > 20 && lines.every((line) => line.length === lines[0].length));
  assert.deepEqual(qrLines(link, 30, false), []);
  assert(qrLines(link, 80, true)[0].startsWith("\x1b[97;40m"));
});

Deno.test("What was hashed to be shared is not hashed again, unless it has changed since", async () => {
  const folder = await Deno.makeTempDir();
  await using test = await TestSession.start();
  for (const isChanged of [false, true]) {
    const path = join(folder, `film-${isChanged}.bin`);
    await Deno.writeFile(path, new Uint8Array(200_000).fill(7));
    const { bytes, metainfo, stamps } = await makeSharedData(
      { path, home: test.home, announceTiers: [] },
      () => {},
    );
    // Other content under the same marks shows whether anybody looks at it again.
    const { mtime } = await Deno.stat(path);
    await Deno.writeFile(path, new Uint8Array(200_000).fill(8));
    await Deno.utime(path, mtime!, isChanged ? new Date(0) : new Date(stamps[0].mtimeMs));
    const same = {
      ...stamps[0],
      mtimeMs: isChanged ? stamps[0].mtimeMs : (await Deno.stat(path)).mtime!.getTime(),
    };
    await test.session.share({ bytes, metainfo, folder, stamps: [same] }, false);
    const snapshot = () => test.session.snapshotOf(metainfo.infoHash);
    while (snapshot().state === "checking") await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(snapshot().state, isChanged ? "failed" : "seeding");
  }
  await Deno.remove(folder, { recursive: true });
});
